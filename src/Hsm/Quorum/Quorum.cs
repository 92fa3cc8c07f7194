using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using AppChain.Hsm.Wire;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// The two other signers of a validator, as one of its keys sees them: one of them must have recorded what the
/// key is to
/// sign, and both must be read when this signer cannot be sure of its own state. Rules SIGN-27 to SIGN-31.
/// </summary>
public sealed class Quorum
{
    /// <summary>Other signers of a validator.</summary>
    public const int Others = 2;

    // BOUND: well below the 5 s that a node waits.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RecoveryPause = TimeSpan.FromMilliseconds(200);

    private readonly string _chainId;
    private readonly ByteString _key;
    private readonly SignGuard _guard;
    private readonly IReadOnlyList<WitnessPeer> _peers;
    private readonly SigningNotes _notes;

    /// <summary>For one key on one chain.</summary>
    public Quorum(
        string chainId, ByteString consensusKey, SignGuard guard, IReadOnlyList<WitnessPeer> peers,
        SigningNotes notes)
    {
        ArgumentNullException.ThrowIfNull(peers);
        if (peers.Count != Others) throw new ArgumentException("a validator has three signers", nameof(peers));
        _chainId = chainId;
        _key = consensusKey;
        _guard = guard;
        _peers = peers;
        _notes = notes;
    }

    /// <summary>Returns when one other signer has durably recorded the same. This one has before, always.</summary>
    /// <exception cref="IOException">No other signer has, in time; what was recorded here stays.</exception>
    /// <exception cref="SigningRefusedException">Both refused.</exception>
    public void Confirm(SignState recorded)
    {
        using Tally tally = new();
        foreach (WitnessPeer peer in _peers)
        {
            peer.Ask(Request(WitnessRules.ToPosition(recorded)), reply => tally.Add(reply));
        }
        switch (tally.Await(Patience))
        {
            case Outcome.Confirmed:
                Count("confirmed");
                return;
            case Outcome.Refused:
                Count("refused");
                throw new SigningRefusedException($"both other signers refuse: {tally.Reason}");
            case Outcome.Unanswered:
            default:
                Count("unanswered");
                throw new IOException(tally.Reason.Length > 0
                    ? $"one other signer refuses and the other does not answer: {tally.Reason}"
                    : "neither of the other signers answers");
        }
    }

    /// <summary>
    /// Until <paramref name="stop"/>: whenever this signer is not sure of its own state, reads those of both others and
    /// goes on from the furthest.
    /// </summary>
    public void KeepRecovered(CancellationToken stop, Action<string> log)
    {
        ArgumentNullException.ThrowIfNull(log);
        bool isAnnounced = false;
        string lastError = "";
        while (!stop.IsCancellationRequested)
        {
            bool isTrusted = _guard.IsTrusted;
            _notes.Metrics.Set(
                SignerMetrics.Series("appchain_signer_recovering", ("chain", _chainId)), isTrusted ? 0 : 1);
            if (!isTrusted)
            {
                if (!isAnnounced) log($"signer: {_chainId}: recovering, waiting for the states of both other signers");
                isAnnounced = true;
                try
                {
                    if (TryRecover())
                    {
                        isAnnounced = false;
                        SignState state = _guard.State;
                        log(
                            $"signer: {_chainId}: recovered at height {state.Height}, round {state.Round}, "
                            + $"{state.Step}");
                    }
                }
                catch (IOException error)
                {
                    // The disk failed, of the state or of the audit log: nothing is signed, and it is tried again.
                    _guard.Distrust();
                    if (error.Message != lastError) log($"signer: {_chainId}: cannot recover: {error.Message}");
                    lastError = error.Message;
                }
            }
            stop.WaitHandle.WaitOne(RecoveryPause);
        }
    }

    private bool TryRecover()
    {
        SignState?[] states = new SignState?[Others];
        using CountdownEvent answers = new(Others);
        for (int i = 0; i < Others; i++)
        {
            int index = i;
            _peers[i].Ask(Request(null), reply =>
            {
                // A peer that is recovering itself still tells what it holds durably, which is what counts here.
                states[index] = reply?.Position is null ? null : WitnessRules.FromPosition(reply.Position);
                answers.Signal();
            });
        }
        answers.Wait();
        if (states[0] is not { } first || states[1] is not { } second) return false;
        _guard.Recover(first, second);
        SignState state = _guard.State;
        _notes.Write(new AuditEntry("recovered", state.Height, state.Round, state.Step, "", ""));
        return true;
    }

    private WitnessRequest Request(Position? record) =>
        new() { ChainId = _chainId, ConsensusKey = _key, Record = record };

    private void Count(string outcome) => _notes.Metrics.Count(
        SignerMetrics.Series("appchain_signer_quorum_total", ("chain", _chainId), ("outcome", outcome)));

    private enum Outcome
    {
        Unanswered = 0,
        Confirmed = 1,
        Refused = 2,
    }

    /// <summary>The replies to one request: decided by the first that recorded, or when none can any more.</summary>
    private sealed class Tally : IDisposable
    {
        private readonly object _lock = new();
        private int _answers;
        private int _refusals;
        private bool _isConfirmed;
        private bool _isClosed;

        public string Reason { get; private set; } = "";

        public void Add(WitnessReply? reply)
        {
            lock (_lock)
            {
                if (_isClosed) return;
                _answers++;
                if (reply is { Recorded: true }) _isConfirmed = true;
                else if (reply is not null)
                {
                    _refusals++;
                    Reason = reply.Refusal;
                }
                Monitor.PulseAll(_lock);
            }
        }

        public Outcome Await(TimeSpan patience)
        {
            long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            lock (_lock)
            {
                while (!_isConfirmed && _answers < Others)
                {
                    long left = end - Environment.TickCount64;
                    if (left <= 0) break;
                    Monitor.Wait(_lock, (int)left);
                }
                _isClosed = true;
                return _isConfirmed ? Outcome.Confirmed
                    : _refusals == Others ? Outcome.Refused
                    : Outcome.Unanswered;
            }
        }

        public void Dispose()
        {
            lock (_lock) _isClosed = true;
        }
    }
}
