using AppChain.Abci.Wire.Types;
using AppChain.StateMachine;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Node;

/// <summary>
/// The parameters of consensus as the engine says them, and those among them that the chain may change.
/// </summary>
internal static class EngineParameters
{
    private const long BlockBytesMax = 100L << 20;

    /// <summary>What the engine is told when the chain changes them.</summary>
    // A part that is named replaces the old one whole. The version is among them because the engine takes that of the
    // header from here as soon as anything changes. Without the part of the vote extensions those stay as they are.
    public static ConsensusParams Of(ConsensusParameters parameters) => new()
    {
        Block = new BlockParams { MaxBytes = parameters.BlockBytes, MaxGas = -1 },
        Evidence = new EvidenceParams
        {
            MaxAgeNumBlocks = parameters.EvidenceAgeBlocks,
            MaxAgeDuration = new Duration { Seconds = parameters.EvidenceAgeSeconds },
            MaxBytes = parameters.EvidenceBytes,
        },
        Version = new VersionParams { App = NodeVersion.Consensus },
    };

    /// <summary>What the engine told; null when it left parts out.</summary>
    // ROUNDING: down to whole seconds, what a proposal can name. A block of -1 bytes stands for the most that CometBFT
    // allows.
    public static ConsensusParameters? Read(ConsensusParams? told) =>
        told is { Block: { } block, Evidence: { MaxAgeDuration: { } age } evidence }
            ? new ConsensusParameters(
                block.MaxBytes == -1 ? BlockBytesMax : block.MaxBytes,
                evidence.MaxAgeNumBlocks,
                age.Seconds,
                evidence.MaxBytes)
            : null;
}
