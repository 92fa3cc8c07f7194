using System;
using System.IO;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Hsm;

/// <summary>
/// A key behind its guard: checks a request, builds the sign bytes itself, asks the guard, signs, verifies, stores, and
/// only then lets the signature out. One request at a time. Rules SIGN-2 to SIGN-12.
/// </summary>
public sealed class ConsensusSigner : IVoteSigner
{
    private readonly string _chainId;
    private readonly ISigningKey _key;
    private readonly Action<SignState> _save;
    private readonly Lock _lock = new();
    private SignState _state;

    /// <summary>Signs for one chain, with the state in a file.</summary>
    public ConsensusSigner(string chainId, ISigningKey key, SignStateFile file)
        : this(chainId, key, file?.State ?? throw new ArgumentNullException(nameof(file)), file.Save)
    {
    }

    /// <summary>Signs for one chain, beginning after <paramref name="state"/>.</summary>
    /// <param name="chainId">Requests for any other chain are refused.</param>
    /// <param name="key">Disposed of by the caller.</param>
    /// <param name="state">What the key signed last.</param>
    /// <param name="save">Makes a new state durable, or throws and the signature stays inside. In a simulation, where
    /// nothing survives the process, it may do nothing.</param>
    public ConsensusSigner(string chainId, ISigningKey key, SignState state, Action<SignState> save)
    {
        ArgumentException.ThrowIfNullOrEmpty(chainId);
        _chainId = chainId;
        _key = key;
        _state = state;
        _save = save;
    }

    /// <summary>What was signed last.</summary>
    public SignState State
    {
        get
        {
            lock (_lock) return _state;
        }
    }

    /// <summary>The chain this signer is for.</summary>
    public string ChainId => _chainId;

    /// <inheritdoc/>
    public PublicKey PublicKey() => new() { Ed25519 = _key.PublicKey };

    /// <inheritdoc/>
    public Vote SignVote(Vote vote)
    {
        ArgumentNullException.ThrowIfNull(vote);
        SignStep step = vote.Type switch
        {
            SignedMsgType.Prevote => SignStep.Prevote,
            SignedMsgType.Precommit => SignStep.Precommit,
            _ => throw new SigningRefusedException($"a vote of type {(int)vote.Type} is neither prevote nor precommit"),
        };
        RequireSound(vote.Height, vote.Round, vote.BlockId, vote.Timestamp, mayBeNil: true);
        bool hasExtension = step == SignStep.Precommit && !BlockIds.IsNil(vote.BlockId);
        if (!hasExtension && !vote.Extension.IsEmpty)
        {
            throw new SigningRefusedException("only a precommit for a block may carry an extension");
        }

        lock (_lock)
        {
            byte[] bytes = SignBytes.Vote(_chainId, vote);
            (ByteString signature, Timestamp? signedTime) = SignGuarded(vote.Height, vote.Round, step, bytes);
            Vote signed = vote.Clone();
            signed.Signature = signature;
            if (signedTime is not null) signed.Timestamp = signedTime;
            signed.ExtensionSignature = hasExtension
                ? SignVerified(SignBytes.VoteExtension(_chainId, vote.Height, vote.Round, vote.Extension))
                : ByteString.Empty;
            return signed;
        }
    }

    /// <inheritdoc/>
    public Proposal SignProposal(Proposal proposal)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        if (proposal.Type != SignedMsgType.Proposal)
        {
            throw new SigningRefusedException($"a proposal of type {(int)proposal.Type}");
        }
        RequireSound(proposal.Height, proposal.Round, proposal.BlockId, proposal.Timestamp, mayBeNil: false);
        if (proposal.PolRound < -1 || proposal.PolRound >= proposal.Round)
        {
            throw new SigningRefusedException(
                $"round {proposal.PolRound} cannot justify a proposal of round {proposal.Round}");
        }

        lock (_lock)
        {
            byte[] bytes = SignBytes.Proposal(_chainId, proposal);
            (ByteString signature, Timestamp? signedTime) =
                SignGuarded(proposal.Height, proposal.Round, SignStep.Proposal, bytes);
            Proposal signed = proposal.Clone();
            signed.Signature = signature;
            if (signedTime is not null) signed.Timestamp = signedTime;
            return signed;
        }
    }

    private (ByteString Signature, Timestamp? SignedTime) SignGuarded(
        long height, int round, SignStep step, byte[] bytes)
    {
        SignDecision decision = _state.Decide(height, round, step, bytes);
        switch (decision.Verdict)
        {
            case SignVerdict.Repeat:
                return (_state.Signature, decision.SignedTime);
            case SignVerdict.Sign:
                SignState next = new(height, round, step, ByteString.CopyFrom(bytes), SignVerified(bytes));
                // ORDER: durable first, then out. A signature lost in between is harmless, one that left unrecorded
                // can become a double sign.
                _save(next);
                _state = next;
                return (next.Signature, null);
            case SignVerdict.Refuse:
            default:
                throw new SigningRefusedException(decision.Reason ?? "refused");
        }
    }

    /// <summary>A faulty device could leak its key through a wrong signature, so every one is verified first.</summary>
    private ByteString SignVerified(byte[] bytes)
    {
        byte[] signature = _key.Sign(bytes);
        if (!Sodium.VerifyStrict(_key.PublicKey.Span, bytes, signature))
        {
            throw new IOException("the key made a signature that does not verify; nothing was released");
        }
        return ByteString.CopyFrom(signature);
    }

    private static void RequireSound(long height, int round, BlockID? id, Timestamp? time, bool mayBeNil)
    {
        if (height <= 0 || round < 0)
        {
            throw new SigningRefusedException($"height {height}, round {round} is out of range");
        }
        if (!BlockIds.IsComplete(id) && !(mayBeNil && BlockIds.IsNil(id)))
        {
            throw new SigningRefusedException("the block id is incomplete");
        }
        if (time is not null && !WireTime.IsValid(time)) throw new SigningRefusedException("the time is out of range");
    }
}
