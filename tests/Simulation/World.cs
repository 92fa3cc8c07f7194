using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Localnet;
using AppChain.Node;
using Genesis = AppChain.Localnet.Genesis;

namespace AppChain.Simulation;

/// <summary>
/// Validators, traders and price feeds of one run, in one thread and in virtual time. Every source of chance is drawn
/// from the seed; every fault passes through here.
/// </summary>
internal sealed class World
{
    public const string ChainId = "simulation-1";

    // A minute before a whole hour, at which funding is applied.
    private const string GenesisTime = "2025-12-31T23:59:00Z";

    /// <summary>Voting power of each validator.</summary>
    public const long Power = 10;

    // How much more often a validator dies at the favoured kind of step, and how much less at others.
    private const double Focused = 15;
    private const double Elsewhere = 0.3;

    // Least chance per step while a validator takes in a block that changes validators or parameters: such blocks are
    // few.
    private const double Changing = 0.02;

    private readonly Machine[] _machines;
    private readonly HashSet<int> _cutOff = [];
    private readonly int[] _lies = new int[Enum.GetValues<Lie>().Length];
    private readonly int[] _deaths = new int[Enum.GetValues<StepKind>().Length];
    private readonly Dictionary<string, int> _happened = [];

    public World(int seed, Swarm swarm, bool isBeyond)
    {
        Seed = seed;
        Swarm = swarm;
        IsBeyond = isBeyond;
        Random = new Random(unchecked(seed * 7919 + 1));
        _machines = [.. Enumerable.Range(0, swarm.Validators).Select(index => new Machine(this, index))];
        foreach (Machine machine in _machines)
        {
            if (swarm.SkewMs > 0) machine.Skew = Random.Next(-swarm.SkewMs, swarm.SkewMs) * 1_000_000L;
        }
        Prices = new Prices(this, seed);
        Traders = new Traders(this, seed);
        Liars = new Liars(this, _machines);
        GenesisState state = new(Prices.Markets, [.. Traders.Accounts], swarm.InsuranceFund, Traders.Vault);
        Auditor = new Auditor(this, state);
        Network = new SimulatedNetwork(new SimulationOptions
        {
            Genesis = Genesis.Parse(GenesisJson(state)),
            Validators = swarm.Validators,
            Seed = seed,
            Application = index => _machines[index].StartApplication(),
            Signer = index => _machines[index].StartSigner(),
            Disks = index => (_machines[index].Blocks, _machines[index].Inputs),
            MaximumDelay = TimeSpan.FromMilliseconds(swarm.DelayMs),
            StatusInterval = TimeSpan.FromMilliseconds(500),
            Timeouts = new ConsensusTimeouts { Commit = TimeSpan.FromMilliseconds(500) },
            ClockSkew = index => _machines[index].Skew,
            Copies = CopiesOf,
            Sync = disk => ((TornStream)disk).Sync(),
            Carry = message => swarm.Encodes ? Wire.Carried(message) : message,
        })
        {
            Reached = (index, point) => Step(index, StepKind.WritePoint, (int)point),
            Delivering = OnDelivery,
            Crashed = OnCrash,
        };
    }

    public int Seed { get; }
    public Swarm Swarm { get; }
    public bool IsBeyond { get; }
    public Random Random { get; }
    public Trace Trace { get; } = new();
    public SimulatedNetwork Network { get; }
    public Prices Prices { get; }
    public Traders Traders { get; }
    public Liars Liars { get; }
    public Auditor Auditor { get; }

    /// <summary>The machines of the validators.</summary>
    public IReadOnlyList<Machine> Machines => _machines;

    /// <summary>True in the safety phase, while faults happen.</summary>
    public bool Faulty { get; set; } = true;

    /// <summary>Deaths at chosen steps, by validator, kind and number: for tests.</summary>
    public Func<int, StepKind, long, bool>? MustDie { get; set; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Now => Network?.Now ?? TimeSpan.Zero;

    /// <summary>Deaths of processes, and those of them that took the machine along.</summary>
    public (int Processes, int Machines) Deaths { get; private set; }

    /// <summary>Lies told.</summary>
    public int LiesTold => _lies.Sum();

    /// <summary>How often each kind of fault happened: deaths by the step they came at, lies, and the rest.</summary>
    public IReadOnlyDictionary<string, int> Happened
    {
        get
        {
            var happened = new SortedDictionary<string, int>(_happened, StringComparer.Ordinal);
            foreach (StepKind kind in Enum.GetValues<StepKind>().Where(kind => kind < StepKind.Died))
                happened[$"death at {kind}"] = _deaths[(int)kind];
            foreach (Lie lie in Enum.GetValues<Lie>()) happened[$"lie {lie}"] = _lies[(int)lie];
            return happened;
        }
    }

    /// <summary>The clock of a validator, ns since 1970.</summary>
    public long ChainTimeOf(int index) => Network.Options.Genesis.Time + Now.Ticks * 100 + _machines[index].Skew;

    /// <summary>True for a validator that lies, until the faults stop.</summary>
    public bool IsLiar(int index) => Faulty && index >= Swarm.Validators - Swarm.Liars;

    /// <summary>Whether those who lie have less than a third of the power, as every rule supposes.</summary>
    public bool AreFewerThanAThird(Members members) =>
        _machines[^Swarm.Liars..].Sum(machine => members.Of(machine.Address)) * 3 < members.Total;

    /// <summary>Whether a liar takes this occasion for a lie.</summary>
    public bool Lies(Lie lie)
    {
        double share = Swarm.Lies[lie];
        bool lies = share > 0 && Random.NextDouble() < share;
        _lies[(int)lie] += lies ? 1 : 0;
        return lies;
    }

    /// <summary>A step of a validator: part of the trace, and a point at which it may die.</summary>
    public void Step(int index, StepKind kind, long number)
    {
        Trace.Add(Now, index, kind, number);
        if (MustDie?.Invoke(index, kind, number) == true) throw new SimulatedCrash();
        if (!Faulty || Swarm.Crashes <= 0) return;
        double chance = Swarm.Crashes * (Swarm.Focus is null ? 1 : Swarm.Focus == kind ? Focused : Elsewhere);
        if (_machines[index].IsChanging) chance = Math.Max(chance, Changing);
        if (Random.NextDouble() >= chance) return;
        _deaths[(int)kind]++;
        throw new SimulatedCrash();
    }

    /// <summary>Whether a disk is found full.</summary>
    public bool FindsDiskFull() => Faulty && Random.NextDouble() < Swarm.DiskFull && Note("full disk");

    /// <summary>Starts every validator, the traders and the partitions.</summary>
    public void Begin()
    {
        for (int i = 0; i < _machines.Length; i++) Network.Start(i);
        Traders.Start();
        if (Swarm.Partitions > 0) Network.At(UntilPartition(), Partition);
    }

    /// <summary>Ends every fault: partitions heal, clocks agree, liars turn honest, the dead are started.</summary>
    public void Heal()
    {
        Faulty = false;
        _cutOff.Clear();
        foreach (Machine machine in _machines) machine.Skew = 0;
        for (int i = 0; i < _machines.Length; i++)
        {
            // A liar's own machine may have stopped over its lies; it is started like a dead one.
            if (Network.Node(i) is { Failure: not null }) Network.Crash(i);
            if (Network.Node(i) is null) Network.Start(i);
        }
    }

    private int CopiesOf(Random random, int from, int to, object message)
    {
        Auditor.OnSent(from, message);
        if (IsLiar(from) && Liars.TakesOver(from, to, message)) return 0;
        if (!Faulty) return 1;
        if (_cutOff.Contains(from) != _cutOff.Contains(to) && Note("message cut off")) return 0;
        double chance = random.NextDouble();
        if (chance < Swarm.Loss && Note("message lost")) return 0;
        return chance < Swarm.Loss + Swarm.Duplication && Note("message doubled") ? 2 : 1;
    }

    private void OnDelivery(int to, int from, object message)
    {
        long number = message switch
        {
            Vote vote =>
                (vote.Height << 20) | ((long)vote.Round << 8) | (long)vote.Type << 6 | (long)vote.ValidatorIndex,
            SealedBlock block => block.Height,
            Proposal proposal => proposal.Height,
            _ => from,
        };
        Step(to, StepKind.Deliver, number);
        if (Network.Node(to)?.Failure is { } failure) OnFailure(to, failure);
    }

    private void OnFailure(int index, Exception failure)
    {
        if (!IsLiar(index) && !IsBeyond)
            throw new Violation("a validator stopped", $"validator {index} at {Now}: {failure.Message}");
        Network.Crash(index);
        OnCrash(index);
    }

    private void OnCrash(int index)
    {
        bool losesPower = Random.NextDouble() < Swarm.PowerLoss;
        if (losesPower && Note("power lost")) _machines[index].LosePower();
        if (Faulty && !IsBeyond && Random.NextDouble() < Swarm.Wipes)
        {
            Note("data removed");
            _machines[index].Disk.Wipe();
            Auditor.OnWiped(index);
        }
        Deaths = (Deaths.Processes + 1, Deaths.Machines + (losesPower ? 1 : 0));
        Trace.Add(Now, index, StepKind.Died, losesPower ? 1 : 0);
        Network.At(TimeSpan.FromMilliseconds(Random.Next(100, 8000)), () =>
        {
            if (Network.Node(index) is null) Network.Start(index);
        });
    }

    private bool Note(string kind)
    {
        _happened[kind] = _happened.GetValueOrDefault(kind) + 1;
        return true;
    }

    private TimeSpan UntilPartition() => TimeSpan.FromMinutes(2 * Random.NextDouble() / Swarm.Partitions);

    private void Partition()
    {
        if (!Faulty) return;
        _cutOff.Clear();
        for (int i = 0; i < _machines.Length; i++)
        {
            if (Random.Next(3) == 0) _cutOff.Add(i);
        }
        Network.At(TimeSpan.FromMilliseconds(Random.Next(200, 8000)), _cutOff.Clear);
        Network.At(UntilPartition(), Partition);
    }

    private string GenesisJson(GenesisState state)
    {
        JsonArray validators = [.. _machines.Select(machine => (JsonNode)new JsonObject
        {
            ["pub_key"] = new JsonObject
            {
                ["type"] = "tendermint/PubKeyEd25519", ["value"] = machine.Key.PublicKey.ToBase64(),
            },
            ["power"] = Power.ToString(CultureInfo.InvariantCulture),
        })];
        return new JsonObject
        {
            ["genesis_time"] = GenesisTime,
            ["chain_id"] = ChainId,
            ["initial_height"] = "1",
            ["consensus_params"] = new JsonObject
            {
                ["block"] = new JsonObject { ["max_bytes"] = "4194304", ["max_gas"] = "-1" },
                ["evidence"] = new JsonObject
                {
                    ["max_age_num_blocks"] = "100000", ["max_age_duration"] = "172800000000000",
                    ["max_bytes"] = "1048576",
                },
                ["validator"] = new JsonObject { ["pub_key_types"] = new JsonArray("ed25519") },
                ["version"] = new JsonObject { ["app"] = "0" },
                ["abci"] = new JsonObject { ["vote_extensions_enable_height"] = "1" },
            },
            ["validators"] = validators,
            ["app_hash"] = "",
            ["app_state"] = GenesisFile.Write(state),
        }.ToJsonString();
    }
}
