using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>A state with markets and validators, and a clock: drives steps 2 to 4 without a chain.</summary>
internal sealed class OracleStage
{
    public const long Second = TestMarkets.Second;

    private readonly List<ExchangeEvent> _events = [];

    public OracleStage(params long[] powers)
    {
        Validators = [.. powers.Select((power, number) => TestMarkets.ValidatorOf(number, power))];
        State.ValidatorSets.Add(new ValidatorSetRow { FromHeight = 1, Validators = Validators });
        State.Markets.Add(new MarketRow { Parameters = TestMarkets.Simple() });
        State.Markets.Add(new MarketRow { Parameters = TestMarkets.Simple(2) });
    }

    public State State { get; } = new();

    public ImmutableArray<Validator> Validators { get; }

    public long Height { get; private set; } = 1;

    public long Time { get; private set; } = TestMarkets.GenesisTime;

    public IReadOnlyList<ExchangeEvent> Events => _events;

    public OracleRow Oracle => State.Oracles.TryFind(1, out int slot) ? State.Oracles.Read(slot) : default;

    public ref MarketRow Market => ref State.Markets.Write(0);

    /// <summary>What a validator says of market 1; the age is against the block that carries it.</summary>
    public readonly record struct Say(
        int Validator, long Price, long Confidence = 0, long AgeSeconds = 0, uint Market = 1);

    /// <summary>The next block: so many seconds later, with these reports.</summary>
    public OracleRow Block(long seconds, params Say[] said)
    {
        Height++;
        Time += seconds * Second;
        _events.Clear();
        OracleUpdate.Execute(State, new Block
        {
            Height = Height,
            Time = Time,
            PriceUpdate =
            [
                .. said.Select(say => new ValidatorReports(
                    say.Validator < Validators.Length
                        ? Validators[say.Validator].Address
                        : TestMarkets.ValidatorOf(say.Validator).Address,
                    [new PriceReport(say.Market, say.Price, say.Confidence, Time - (say.AgeSeconds * Second))])),
            ],
            Transactions = [],
            UndecodedCodes = [],
        }, _events);
        return Oracle;
    }

    /// <summary>The next block: every validator says the same.</summary>
    public OracleRow All(long seconds, long price, long confidence = 0, long ageSeconds = 0) =>
        Block(seconds, [.. Validators.Select((_, i) => new Say(i, price, confidence, ageSeconds))]);

    public void UpdateMark(in BookQuote quote) => MarkPrice.Update(State, 0, quote, Time);

    public List<ExchangeEvent> UpdateFunding(in BookQuote quote)
    {
        var events = new List<ExchangeEvent>();
        FundingSchedule.Update(State, 0, quote, Time, events);
        return events;
    }
}
