using System;
using System.IO;
using System.Threading;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Hsm;

/// <summary>
/// The guard of one key on one chain, shared by everything that may make the key sign: each engine's requests, and the
/// requests of the other signers of the validator. Records before it answers. Thread safe. Rules SIGN-4 to SIGN-9.
/// </summary>
public sealed class SignGuard
{
    private readonly Action<SignState> _save;
    private readonly Lock _lock = new();
    private SignState _state;
    private bool _isTrusted;

    /// <summary>Begins after <paramref name="state"/>.</summary>
    /// <param name="state">What was recorded last.</param>
    /// <param name="save">Makes a new state durable, or throws and nothing is signed. In a simulation, where nothing
    /// survives the process, it may do nothing.</param>
    /// <param name="isTrusted">False when the state may be older than what the key has signed: then nothing is
    /// recorded before <see cref="Recover"/>.</param>
    public SignGuard(SignState state, Action<SignState> save, bool isTrusted = true)
    {
        _state = state;
        _save = save;
        _isTrusted = isTrusted;
    }

    /// <summary>What was recorded last.</summary>
    public SignState State
    {
        get
        {
            lock (_lock) return _state;
        }
    }

    /// <summary>Whether the state is known to be no older than what the key has signed.</summary>
    public bool IsTrusted
    {
        get
        {
            lock (_lock) return _isTrusted;
        }
    }

    /// <summary>
    /// Records durably that <paramref name="bytes"/> is what the key may sign at this place, or finds that they are
    /// already. Afterwards nothing else ever is.
    /// </summary>
    /// <returns>What may be signed: the recorded bytes, which have another time when the same was asked before, and
    /// that time.</returns>
    /// <exception cref="SigningRefusedException">Something else was recorded, there or later.</exception>
    /// <exception cref="IOException">It could not be made durable, or the state is not trusted.</exception>
    public (SignState Recorded, Timestamp? SignedTime) Record(
        long height, int round, SignStep step, ByteString bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        lock (_lock)
        {
            if (!_isTrusted)
            {
                throw new IOException("recovering: the states of both other signers must be read first");
            }
            SignDecision decision = _state.Decide(height, round, step, bytes.Span);
            switch (decision.Verdict)
            {
                case SignVerdict.Repeat:
                    return (_state, decision.SignedTime);
                case SignVerdict.Sign:
                    SignState next = new(height, round, step, bytes, ByteString.Empty);
                    // ORDER: durable first, then signed. A record without a signature is harmless, a signature without
                    // its record can become a double sign.
                    _save(next);
                    _state = next;
                    return (next, null);
                case SignVerdict.Refuse:
                default:
                    throw new SigningRefusedException(decision.Reason ?? "refused");
            }
        }
    }

    /// <summary>Keeps a signature at hand for repeated questions.</summary>
    public void Keep(SignState recorded, ByteString signature)
    {
        ArgumentNullException.ThrowIfNull(recorded);
        lock (_lock)
        {
            if (_state == recorded) _state = recorded with { Signature = signature };
        }
    }

    /// <summary>From now on the state may be older than what the key has signed.</summary>
    public void Distrust()
    {
        lock (_lock) _isTrusted = false;
    }

    /// <summary>Goes on from the furthest of the own and the two other states. Rule SIGN-31.</summary>
    /// <exception cref="IOException">It could not be made durable.</exception>
    public void Recover(SignState first, SignState second)
    {
        lock (_lock)
        {
            SignState next = WitnessRules.Recover(_state, first, second);
            if (next != _state)
            {
                _save(next);
                _state = next;
            }
            _isTrusted = true;
        }
    }
}
