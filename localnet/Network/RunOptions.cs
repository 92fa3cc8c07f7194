using System;
using System.Collections.Generic;

namespace AppChain.Localnet;

/// <summary>Which engine orders the blocks.</summary>
internal enum EngineKind
{
    /// <summary>The embedded engine, in this process.</summary>
    Embedded,

    /// <summary>Real CometBFT nodes.</summary>
    CometBft,
}

/// <summary>What a run is to do.</summary>
internal sealed record RunOptions
{
    /// <summary>Engine.</summary>
    public required EngineKind Engine { get; init; }

    /// <summary>Binary of CometBFT; empty on the embedded engine.</summary>
    public required string CometBft { get; init; }

    /// <summary>Validators, 1 to 16.</summary>
    public required int Validators { get; init; }

    /// <summary>Blocks to make; 0 until interrupted.</summary>
    public required long Blocks { get; init; }

    /// <summary>The run ends when the price files end.</summary>
    public required bool UntilEnd { get; init; }

    /// <summary>
    /// Pause between a decision and the next height, milliseconds; 0: none, as soon as all have voted.
    /// </summary>
    public required int Pause { get; init; }

    /// <summary>Consensus keys are in SoftHSM.</summary>
    public required bool Hsm { get; init; }

    /// <summary>Signers of each validator: 1, or 3 of which two must record a place before it is signed.</summary>
    public int Signers { get; init; } = 1;

    /// <summary>Lines even where the output is a terminal.</summary>
    public required bool Plain { get; init; }

    /// <summary>Whether the run is shown in lines.</summary>
    public bool IsPlain => Plain || Console.IsOutputRedirected;

    /// <summary>Trading agents.</summary>
    public required int Traders { get; init; }

    /// <summary>Seed of keys, synthetic prices and agents.</summary>
    public required int Seed { get; init; }

    /// <summary>Price files as (ticker, file).</summary>
    public required IReadOnlyList<(string Ticker, string File)> Prices { get; init; }

    /// <summary>Market seconds per wall second.</summary>
    public required double Speed { get; init; }

    /// <summary>Market time (ns) at which replays start; 0 chooses.</summary>
    public required long From { get; init; }

    /// <summary>Faults to strike validators with, in this order; the run ends after the last.</summary>
    public IReadOnlyList<string> Perturbations { get; init; } = [];

    /// <summary>Kills at random moments; the run ends after the last. 0: none.</summary>
    public int Crashes { get; init; }

    /// <summary>Whether the way from each node to each peer leads through a relay that can be closed.</summary>
    public bool HasRelays => Engine == EngineKind.CometBft && Perturbations.Count > 0;

    /// <summary>Whether faults end the run.</summary>
    public bool HasFaults => Perturbations.Count > 0 || Crashes > 0;

    /// <summary>Report file; empty for none.</summary>
    public required string Report { get; init; }

    /// <summary>Directory of the run; its content is replaced.</summary>
    public required string Home { get; init; }

    /// <summary>First port: validator i serves RPC at this + 10 i.</summary>
    public required int Port { get; init; }

    /// <summary>All ports of the run.</summary>
    public NetworkPorts Ports => new(Port);

    /// <summary>Height from which one more node joins by state sync; 0: none does. CometBFT only.</summary>
    public long Join { get; init; }

    /// <summary>Blocks between the snapshots of each validator.</summary>
    public long SnapshotInterval { get; init; } = 1_000;

    /// <summary>A run without a liquidation fails.</summary>
    public required bool RequireLiquidations { get; init; }
}
