using System;
using System.Collections.Generic;

namespace AppChain.Localnet;

/// <summary>One validator of an embedded network.</summary>
public sealed record EmbeddedValidatorOptions
{
    /// <summary>Folder of its data; made if missing. Keep it to go on later.</summary>
    public required string Home { get; init; }

    /// <summary>Where its application listens: tcp://host:port or unix:///path.</summary>
    public required string AbciAddress { get; init; }

    /// <summary>Where the engine listens for its signer: unix:///path.</summary>
    public required string PrivvalAddress { get; init; }

    /// <summary>Port of its RPC server on 127.0.0.1; 0 chooses a free one.</summary>
    public int RpcPort { get; init; }

    /// <summary>Its name in status answers.</summary>
    public string Moniker { get; init; } = "";
}

/// <summary>What an embedded network is made of.</summary>
public sealed record EmbeddedNetworkOptions
{
    /// <summary>Content of genesis.json.</summary>
    public required string Genesis { get; init; }

    /// <summary>The validators, in any order.</summary>
    public required IReadOnlyList<EmbeddedValidatorOptions> Validators { get; init; }

    /// <summary>Waiting times of consensus, in wall time.</summary>
    public ConsensusTimeouts Timeouts { get; init; } = new();

    /// <summary>Limits of the mempools.</summary>
    public MempoolOptions Mempool { get; init; } = new();

    /// <summary>Seconds of the chain's clock per second of wall time.</summary>
    public double Speed { get; init; } = 1;

    /// <summary>
    /// What the chain's clock shows at its epoch, in nanoseconds since 1970; null for the machine's time. It never
    /// starts before the genesis or the last stored block.
    /// </summary>
    public long? ClockStart { get; init; }

    /// <summary>
    /// The machine's time at which the chain's clock stands at its start, in nanoseconds since 1970; null for the
    /// moment in which the network is made.
    /// </summary>
    public long? ClockEpoch { get; init; }

    /// <summary>Height after which no further block is begun.</summary>
    public long LastHeight { get; init; } = long.MaxValue;

    /// <summary>How long to wait for applications and signers at the start.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);
}
