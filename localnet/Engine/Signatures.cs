using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>Form and signatures of votes and proposals.</summary>
public static class Signatures
{
    /// <summary>Bytes of an Ed25519 signature.</summary>
    public const int Size = 64;

    /// <summary>
    /// Whether a vote from a peer is complete: a round, a block id that names a block or nil, a valid time, an address,
    /// a signature, and an extension only where one may be.
    /// </summary>
    public static bool IsWellFormed(Vote vote)
    {
        if (vote.Round < 0 || vote.BlockId?.PartSetHeader is null || vote.Signature.Length != Size) return false;
        if (vote.ValidatorAddress.Length != BlockHashes.AddressSize || !WireTime.IsValid(vote.Timestamp)) return false;
        bool isNil = BlockIds.IsNil(vote.BlockId);
        if (!isNil && !BlockIds.IsComplete(vote.BlockId)) return false;
        bool mayBeExtended = vote.Type == SignedMsgType.Precommit && !isNil;
        return mayBeExtended || (vote.Extension.IsEmpty && vote.ExtensionSignature.IsEmpty);
    }

    /// <summary>Verifies the signature of a vote; its extension is signed apart.</summary>
    public static bool Verify(Vote vote, string chainId, ByteString publicKey, VerifiedSignatures verified) =>
        verified.Verify(publicKey.Span,
            SignBytes.Vote(chainId, vote, stackalloc byte[SignBytes.UsualSize]), vote.Signature.Span);

    /// <summary>Verifies the signature of the extension of a precommit.</summary>
    public static bool VerifyExtension(
        Vote vote, string chainId, ByteString publicKey, VerifiedSignatures verified) =>
        verified.Verify(publicKey.Span,
            SignBytes.VoteExtension(
                chainId, vote.Height, vote.Round, vote.Extension.Span, stackalloc byte[SignBytes.UsualSize]),
            vote.ExtensionSignature.Span);

    /// <summary>Verifies the signature of a proposal.</summary>
    public static bool Verify(
        Proposal proposal, string chainId, ByteString publicKey, VerifiedSignatures verified) =>
        verified.Verify(publicKey.Span, SignBytes.Proposal(chainId, proposal), proposal.Signature.Span);
}
