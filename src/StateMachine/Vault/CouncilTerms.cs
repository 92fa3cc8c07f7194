using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Who decides what (docs/spec/vault.md). Numbers as in keys of rows.</summary>
public enum CouncilKind : byte
{
    /// <summary>Not said.</summary>
    None = 0,

    /// <summary>
    /// Decide on the vault: deposits, releases, vetoes, its policy; on the parameters of consensus, and on validators.
    /// </summary>
    Guardians = 1,

    /// <summary>Decide on the treasury.</summary>
    Treasurers = 2,
}

/// <summary>What a council is made of: by genesis, or by a policy that it decided itself.</summary>
/// <param name="Members">
/// 1…16 compressed public keys of 33 bytes, distinct; the place in the list is the member's number.
/// </param>
/// <param name="Threshold">Members that must agree, 1…number of members.</param>
/// <param name="VetoThreshold">Members that can stop something in its timelock, 1…number of members.</param>
/// <param name="TimelockSeconds">Seconds between the agreement and its effect.</param>
public sealed record CouncilTerms(
    ImmutableArray<ImmutableArray<byte>> Members, int Threshold, int VetoThreshold, long TimelockSeconds)
{
    /// <summary>Most members.</summary>
    public const int MembersMax = 16;
}
