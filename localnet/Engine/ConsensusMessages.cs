using System.Collections.Generic;
using AppChain.Abci.Wire.Types;

namespace AppChain.Localnet;

/// <summary>Which votes of a set a validator knows, by validator index, and the majority it sees there.</summary>
public sealed record KnownVotes(int Round, SignedMsgType Type, bool[] Known, BlockID? Majority);

/// <summary>
/// A validator's word that it has seen a majority; votes that conflict with earlier ones may count for it.
/// </summary>
public sealed record MajorityClaim(long Height, int Round, SignedMsgType Type, BlockID BlockId);

/// <summary>
/// Where a validator stands and what it has; it tells the others now and then, so that they can help out.
/// </summary>
public sealed record PeerStatus(long Height, int Round, ConsensusStep Step, bool HasProposal, bool HasBlock,
    PartSetHeader? ExpectedParts, IReadOnlyList<KnownVotes> Votes, bool[]? LastCommit);
