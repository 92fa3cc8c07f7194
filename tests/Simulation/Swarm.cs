using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace AppChain.Simulation;

/// <summary>
/// The faults of one run. A seed switches each kind on or off and gives it a weight (swarm testing): a run with few
/// kinds goes deeper than one with all of them, and no kind hides another in every run. Printed first.
/// </summary>
internal sealed record Swarm
{
    /// <summary>Validators of the chain.</summary>
    public required int Validators { get; init; }

    /// <summary>Validators that lie: the last ones by index.</summary>
    public required int Liars { get; init; }

    /// <summary>Longest time that a message travels, ms; more than the shortest means reordering.</summary>
    public required int DelayMs { get; init; }

    /// <summary>Share of messages lost.</summary>
    public required double Loss { get; init; }

    /// <summary>Share of messages that arrive twice.</summary>
    public required double Duplication { get; init; }

    /// <summary>Partitions per virtual minute.</summary>
    public required double Partitions { get; init; }

    /// <summary>Deaths of a process, per step at which it can die.</summary>
    public required double Crashes { get; init; }

    /// <summary>Share of deaths in which the machine goes too, and what was not flushed is lost or torn.</summary>
    public required double PowerLoss { get; init; }

    /// <summary>The kind of step at which most deaths happen; null: at all alike.</summary>
    public required StepKind? Focus { get; init; }

    /// <summary>Share of deaths after which the application's data are removed and it begins anew.</summary>
    public required double Wipes { get; init; }

    /// <summary>Whether messages and calls are encoded and decoded on their way, as between processes.</summary>
    public required bool Encodes { get; init; }

    /// <summary>
    /// Share of orders with which a trader stays on its side of the market, so that positions grow up to the margin and
    /// are liquidated.
    /// </summary>
    public required double Conviction { get; init; }

    /// <summary>The insurance fund at genesis, micro-USD.</summary>
    public required long InsuranceFund { get; init; }

    /// <summary>Share of disk writes that find the disk full.</summary>
    public required double DiskFull { get; init; }

    /// <summary>Furthest that the clock of a validator is off, ms.</summary>
    public required int SkewMs { get; init; }

    /// <summary>Share of a validator's prices that are missing.</summary>
    public required double SilentFeeds { get; init; }

    /// <summary>How fast true prices move.</summary>
    public required double Volatility { get; init; }

    /// <summary>
    /// Plunges and surges of a true price to a sixth up to a half, or to twice up to six times, per virtual minute.
    /// </summary>
    public required double Plunges { get; init; }

    /// <summary>Transactions per virtual second.</summary>
    public required double Transactions { get; init; }

    /// <summary>Share of transactions that are replayed, damaged or too old.</summary>
    public required double BadTransactions { get; init; }

    /// <summary>Share of what guardians do that is about the parameters of consensus.</summary>
    public required double ParameterChanges { get; init; }

    /// <summary>Share of what guardians do that is about who votes.</summary>
    public required double PowerChanges { get; init; }

    /// <summary>What liars do, by kind, as the share of occasions on which they do it.</summary>
    public required IReadOnlyDictionary<Lie, double> Lies { get; init; }

    /// <summary>Draws the faults of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="validators">Validators, or 0 to draw their number.</param>
    /// <param name="beyond">More than a third of the power lies.</param>
    /// <param name="calm">No faults at all, a light load: for measuring speed.</param>
    public static Swarm Draw(int seed, int validators, bool beyond, bool calm)
    {
        var random = new Random(unchecked(seed * 31 + 7));
        int count = validators > 0 ? validators : random.Next(5) == 0 ? 7 : 4;
        int mostLiars = (count - 1) / 3;
        double On(double most) =>
            random.Next(2) == 0 ? 0 : Math.Round(most * random.NextDouble() * random.NextDouble(), 6);
        int liars = random.Next(3) > 0 ? random.Next(mostLiars + 1) : 0;
        var lies = Enum.GetValues<Lie>().ToDictionary(lie => lie, _ => On(0.6));
        var drawn = new Swarm
        {
            Validators = count,
            Liars = liars,
            DelayMs = random.Next(2) == 0 ? 20 : random.Next(20, 500),
            Loss = On(0.3),
            Duplication = On(0.3),
            Partitions = On(6),
            Crashes = On(0.0006),
            PowerLoss = random.NextDouble(),
            DiskFull = On(0.003),
            SkewMs = random.Next(2) == 0 ? 0 : random.Next(4000),
            SilentFeeds = On(0.5),
            Volatility = 0.2 + (3 * random.NextDouble() * random.NextDouble()),
            Transactions = 1 + (3 * random.NextDouble()),
            BadTransactions = On(0.3),
            Lies = lies,
            Focus = random.Next(2) == 0 ? null : Enum.GetValues<StepKind>()[random.Next((int)StepKind.Died)],
            Wipes = On(0.3),
            Encodes = random.Next(3) == 0,
            InsuranceFund = random.Next(2) == 0 ? 200_000_000 : random.Next(2_000_000),
            Conviction = random.Next(2) == 0 ? 0 : random.NextDouble(),
            ParameterChanges = On(1),
            Plunges = On(6),
            PowerChanges = 0,
        };
        // Drawn apart, so that what was drawn before it stays as it was. Generators whose seeds differ by little draw
        // alike, by which seven validators would never have any: there, and with liars, the seeds are spread first.
        bool isNear = liars == 0 && count == 4;
        var apart = new Random(isNear ? unchecked(seed * 31 + 8) : Spread(seed));
        if (apart.Next(3) == 0) drawn = drawn with { PowerChanges = Math.Round(apart.NextDouble(), 6) };
        if (beyond)
        {
            lies = Enum.GetValues<Lie>().ToDictionary(lie => lie, lie => lie == Lie.DoubleVote ? 0.9 : 0);
            return drawn with
            {
                Liars = mostLiars + 1, Lies = lies, PowerChanges = 0, Crashes = 0, DiskFull = 0, SkewMs = 0, Loss = 0,
                Partitions = 20,
            };
        }
        return calm
            ? drawn with
            {
                Liars = 0, DelayMs = 20, Loss = 0, Duplication = 0, Partitions = 0, Crashes = 0, DiskFull = 0,
                SkewMs = 0,
                SilentFeeds = 0, Volatility = 0.2, Plunges = 0, PowerChanges = 0, Transactions = 2, Encodes = false,
                InsuranceFund = 200_000_000,
                Conviction = 0, BadTransactions = 0, ParameterChanges = 0, Validators = Math.Max(validators, 4),
            }
            : drawn;
    }

    // Neighbours become numbers that have nothing to do with each other. With 299, seeds of planted faults stay as they
    // were before this was drawn.
    private static int Spread(int seed)
    {
        uint mixed = unchecked(((uint)seed * 2_654_435_769) + 299);
        mixed = unchecked((mixed ^ (mixed >> 16)) * 2_146_121_005);
        return (int)((mixed ^ (mixed >> 15)) & int.MaxValue);
    }

    /// <summary>One line that names every weight that is not zero.</summary>
    public override string ToString()
    {
        string lies = Liars == 0
            ? ""
            : ", lies " + string.Join(
                ' ', Lies.Where(lie => lie.Value > 0).Select(lie => $"{lie.Key}:{Number(lie.Value)}"));
        return $"{Validators} validators, {Liars} liars, delay {DelayMs} ms, loss {Number(Loss)}, doubled "
            + $"{Number(Duplication)}, partitions/min {Number(Partitions)}, crashes/step {Number(Crashes)} "
            + $"(most at {Focus?.ToString() ?? "none"}, power {Number(PowerLoss)}, wiped {Number(Wipes)}), "
            + $"disk full {Number(DiskFull)}, skew {SkewMs} ms, silent feeds {Number(SilentFeeds)}, "
            + $"volatility {Number(Volatility)}, plunges/min {Number(Plunges)}, tx/s {Number(Transactions)} (bad "
            + $"{Number(BadTransactions)}), parameter changes {Number(ParameterChanges)}, power changes "
            + $"{Number(PowerChanges)}, conviction "
            + $"{Number(Conviction)}, fund {InsuranceFund}{(Encodes ? ", encoded" : "")}{lies}";
    }

    private static string Number(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);
}

/// <summary>What a lying validator may do.</summary>
internal enum Lie
{
    /// <summary>Signs two votes for one step, and shows them to different validators.</summary>
    DoubleVote,

    /// <summary>Signs two proposals for one round, and shows them to different validators.</summary>
    DoubleProposal,

    /// <summary>Attaches an extension that does not decode.</summary>
    BadExtension,

    /// <summary>Attaches an empty extension.</summary>
    EmptyExtension,

    /// <summary>Reports prices far from the truth, well formed and signed.</summary>
    ExtremePrices,

    /// <summary>Shows different extensions of one precommit to different validators.</summary>
    DoubleExtension,

    /// <summary>Proposes a block without the price update.</summary>
    OmitPriceUpdate,

    /// <summary>Proposes a block whose price update is changed: prices, signatures, round or places.</summary>
    ForgePriceUpdate,

    /// <summary>Proposes transactions that are damaged, doubled, old or out of order.</summary>
    BadTransactions,

    /// <summary>Proposes a block with a wrong header.</summary>
    BadHeader,

    /// <summary>Sends votes in the name of others, with a signature that is none.</summary>
    ForgeVote,

    /// <summary>Sends messages of earlier heights again.</summary>
    Replay,

    /// <summary>Says nothing.</summary>
    Silence,

    /// <summary>Prevotes whatever is proposed.</summary>
    AcceptEverything,
}
