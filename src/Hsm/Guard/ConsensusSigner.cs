using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Hsm;

/// <summary>
/// A key behind its guard: checks a request, builds the sign bytes itself, lets the guard record them, waits for the
/// other signers of the validator where there are any, signs, verifies, notes it in the audit log, and only then lets
/// the signature out. Serves any number of engines. Rules SIGN-2 to SIGN-12.
/// </summary>
public sealed class ConsensusSigner : IVoteSigner
{
    // BOUND: a device that takes longer than a node waits is told off, so that requests do not pile up behind it.
    private static readonly TimeSpan DevicePatience = TimeSpan.FromSeconds(4);

    private readonly string _chainId;
    private readonly ISigningKey _key;
    private readonly SignGuard _guard;
    private readonly Action<SignState>? _confirm;
    private readonly SigningNotes _notes;
    private readonly Lock _keyLock = new();

    /// <summary>Signs for one chain, with the state in a file.</summary>
    public ConsensusSigner(string chainId, ISigningKey key, SignStateFile file)
        : this(chainId, key, file?.State ?? throw new ArgumentNullException(nameof(file)), file.Save)
    {
    }

    /// <summary>Signs for one chain, beginning after <paramref name="state"/>.</summary>
    /// <param name="chainId">Requests for any other chain are refused.</param>
    /// <param name="key">Disposed of by the caller.</param>
    /// <param name="state">What the key signed last.</param>
    /// <param name="save">As for <see cref="SignGuard"/>.</param>
    public ConsensusSigner(string chainId, ISigningKey key, SignState state, Action<SignState> save)
        : this(chainId, key, new SignGuard(state, save))
    {
    }

    /// <summary>Signs for one chain behind a guard that others may share.</summary>
    /// <param name="chainId">Requests for any other chain are refused.</param>
    /// <param name="key">Disposed of by the caller.</param>
    /// <param name="guard">Records everything first.</param>
    /// <param name="confirm">Returns when another signer of the validator has recorded the same, or throws and nothing
    /// is signed; null for a signer alone.</param>
    /// <param name="notes">Told of every outcome; null for none.</param>
    public ConsensusSigner(
        string chainId, ISigningKey key, SignGuard guard, Action<SignState>? confirm = null,
        SigningNotes? notes = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(chainId);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(guard);
        _chainId = chainId;
        _key = key;
        _guard = guard;
        _confirm = confirm;
        _notes = notes ?? new SigningNotes(chainId, null, new SignerMetrics());
    }

    /// <summary>What was recorded last.</summary>
    public SignState State => _guard.State;

    /// <summary>Where outcomes are noted.</summary>
    public SigningNotes Notes => _notes;

    /// <summary>The chain this signer is for.</summary>
    public string ChainId => _chainId;

    /// <summary>Two other signers of the validator confirm every place.</summary>
    public bool HasOthers => _confirm is not null;

    /// <summary>Returns when the key can be used.</summary>
    /// <exception cref="IOException">It cannot.</exception>
    public void ProbeKey()
    {
        if (!_keyLock.TryEnter(DevicePatience)) throw new KeyFailedException("the key is busy; its device may hang");
        try
        {
            _key.Probe();
        }
        finally
        {
            _keyLock.Exit();
        }
    }

    /// <inheritdoc/>
    public PublicKey PublicKey() => new() { Ed25519 = _key.PublicKey };

    /// <inheritdoc/>
    public Vote SignVote(Vote vote)
    {
        ArgumentNullException.ThrowIfNull(vote);
        return _notes.Note(vote.Height, vote.Round, StepOf(vote.Type), vote.BlockId, () => SignSoundVote(vote));
    }

    /// <inheritdoc/>
    public Proposal SignProposal(Proposal proposal)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        return _notes.Note(proposal.Height, proposal.Round, SignStep.Proposal, proposal.BlockId,
            () => SignSoundProposal(proposal));
    }

    private (Vote Signed, bool IsRepeated) SignSoundVote(Vote vote)
    {
        SignStep step = StepOf(vote.Type);
        if (step == SignStep.None)
        {
            throw new SigningRefusedException($"a vote of type {(int)vote.Type} is neither prevote nor precommit");
        }
        RequireSound(vote.Height, vote.Round, vote.BlockId, vote.Timestamp, mayBeNil: true);
        bool hasExtension = step == SignStep.Precommit && !BlockIds.IsNil(vote.BlockId);
        if (!hasExtension && !vote.Extension.IsEmpty)
        {
            throw new SigningRefusedException("only a precommit for a block may carry an extension");
        }

        ByteString bytes = UnsafeByteOperations.UnsafeWrap(SignBytes.Vote(_chainId, vote));
        Released released = Sign(vote.Height, vote.Round, step, bytes);
        Vote signed = vote.Clone();
        signed.Signature = released.Signature;
        if (released.SignedTime is not null) signed.Timestamp = released.SignedTime;
        signed.ExtensionSignature = hasExtension
            ? SignVerified(SignBytes.VoteExtension(
                _chainId, vote.Height, vote.Round, vote.Extension.Span, stackalloc byte[SignBytes.UsualSize]))
            : ByteString.Empty;
        return (signed, released.IsRepeated);
    }

    private (Proposal Signed, bool IsRepeated) SignSoundProposal(Proposal proposal)
    {
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

        ByteString bytes = UnsafeByteOperations.UnsafeWrap(SignBytes.Proposal(_chainId, proposal));
        Released released = Sign(proposal.Height, proposal.Round, SignStep.Proposal, bytes);
        Proposal signed = proposal.Clone();
        signed.Signature = released.Signature;
        if (released.SignedTime is not null) signed.Timestamp = released.SignedTime;
        return (signed, released.IsRepeated);
    }

    private readonly record struct Released(ByteString Signature, Timestamp? SignedTime, bool IsRepeated);

    private Released Sign(long height, int round, SignStep step, ByteString bytes)
    {
        (SignState recorded, Timestamp? signedTime) = _guard.Record(height, round, step, bytes);
        if (!recorded.Signature.IsEmpty) return new Released(recorded.Signature, signedTime, IsRepeated: true);
        _confirm?.Invoke(recorded);
        ByteString signature = SignVerified(recorded.Bytes.Span);
        _guard.Keep(recorded, signature);
        return new Released(signature, signedTime, IsRepeated: false);
    }

    /// <summary>A faulty device could leak its key through a wrong signature, so every one is verified first.</summary>
    private ByteString SignVerified(ReadOnlySpan<byte> bytes)
    {
        if (!_keyLock.TryEnter(DevicePatience)) throw new KeyFailedException("the key is busy; its device may hang");
        byte[] signature;
        try
        {
            long start = Stopwatch.GetTimestamp();
            signature = _key.Sign(bytes);
            _notes.Metrics.Observe("appchain_signer_device_seconds", Stopwatch.GetElapsedTime(start));
        }
        catch (IOException lost)
        {
            throw new KeyFailedException(lost.Message, lost);
        }
        finally
        {
            _keyLock.Exit();
        }
        if (!Sodium.VerifyStrict(_key.PublicKey.Span, bytes, signature))
        {
            throw new KeyFailedException("the key made a signature that does not verify; nothing was released");
        }
        return UnsafeByteOperations.UnsafeWrap(signature);
    }

    private static SignStep StepOf(SignedMsgType type) => type switch
    {
        SignedMsgType.Prevote => SignStep.Prevote,
        SignedMsgType.Precommit => SignStep.Precommit,
        _ => SignStep.None,
    };

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

/// <summary>The key cannot be used now: its device is lost, slow or faulty. What was recorded stays.</summary>
public sealed class KeyFailedException : IOException
{
    /// <summary>With what the device said.</summary>
    public KeyFailedException(string message, Exception? cause = null) : base(message, cause)
    {
    }
}
