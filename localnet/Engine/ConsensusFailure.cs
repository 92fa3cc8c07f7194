using System;

namespace AppChain.Localnet;

/// <summary>
/// The application or the engine broke the consensus contract (wrong number of results, status UNKNOWN, an invalid
/// validator update, a state that differs from the block). The validator stops taking part; its height is frozen.
/// </summary>
public sealed class ConsensusFailure : Exception
{
    /// <summary>Creates the failure with a message that names the broken rule.</summary>
    public ConsensusFailure(string message) : base(message)
    {
    }
}
