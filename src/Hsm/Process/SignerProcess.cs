using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>What an operator states explicitly at a start, because nothing on this machine can prove it.</summary>
/// <param name="CreateState">A missing state belongs to a key that has never signed.</param>
/// <param name="TrustOwnState">The state on this disk is the newest there was; do not wait for both other
/// signers.</param>
/// <param name="AcceptOlderState">The state is older than the audit log says; go on after the audit log.</param>
public readonly record struct SignerStart(bool CreateState, bool TrustOwnState, bool AcceptOlderState);

/// <summary>
/// A signer: its keys, their guards, the connections to engines and to the other signers, audit logs and figures.
/// Everything is opened before anything is served.
/// </summary>
public sealed class SignerProcess : IDisposable
{
    private readonly SignerConfig _config;
    private readonly Action<string> _log;
    private readonly List<IDisposable> _opened = [];
    private readonly List<ThreadStart> _loops = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Opens everything.</summary>
    /// <param name="config">What to sign for.</param>
    /// <param name="start">What the operator states.</param>
    /// <param name="openKey">Opens the key that a configuration names.</param>
    /// <param name="log">One line for every change and every refusal.</param>
    /// <exception cref="IOException">A file, key or address cannot be used; the message says what to do.</exception>
    public SignerProcess(
        SignerConfig config, SignerStart start, Func<string, ISigningKey> openKey, Action<string> log)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(openKey);
        _config = config;
        _log = log;
        try
        {
            Open(start, openKey);
        }
        catch (Exception)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The figures.</summary>
    public SignerMetrics Metrics { get; } = new();

    /// <summary>Serves until <paramref name="stop"/>.</summary>
    public void Run(CancellationToken stop)
    {
        using CancellationTokenRegistration registration = stop.Register(_stop.Cancel);
        List<Thread> threads = [.. _loops.Select(loop => new Thread(loop) { IsBackground = true })];
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        foreach (IDisposable item in Enumerable.Reverse(_opened)) item.Dispose();
        _opened.Clear();
        _stop.Dispose();
    }

    private void Open(SignerStart start, Func<string, ISigningKey> openKey)
    {
        ISigningKey? identity = _config.Identity.Length > 0 ? Opened(SoftwareKey.Load(_config.Identity)) : null;
        if (_config.Peers.FirstOrDefault(peer => peer.Identity == identity?.PublicKey) is { } itself)
        {
            throw new IOException($"the peer {itself.Address} is this machine itself, by the identity in "
                + $"{_config.Identity}: name the two others, each with an identity of its own");
        }
        if (_config.Metrics is { } endpoint) Opened(new MetricsServer(endpoint, Metrics));
        List<WitnessPeer> peers = [.. _config.Peers.Select(peer =>
            Opened(new WitnessPeer(peer.Address, identity!, peer.Identity, Metrics)))];
        List<WitnessedKey> keys = [];
        foreach (SignerChain chain in _config.Chains)
        {
            ISigningKey key = Opened(openKey(chain.Key));
            if (identity is not null && key.PublicKey == identity.PublicKey)
            {
                throw new IOException($"{_config.Identity} is the consensus key; an identity is never that");
            }
            keys.Add(OpenChain(chain, key, peers, identity, start));
        }
        if (_config.Listen.Length > 0)
        {
            Opened(new WitnessListener(_config.Listen, identity!,
                [.. _config.Peers.Select(static peer => peer.Identity)], keys, _log));
        }
    }

    private WitnessedKey OpenChain(
        SignerChain chain, ISigningKey key, List<WitnessPeer> peers, ISigningKey? identity, SignerStart start)
    {
        AuditLog? audit = chain.Audit.Length > 0 ? Opened(new AuditLog(chain.Audit, _config.AuditFileBytes)) : null;
        SignStateFile file = Opened(start.CreateState && !File.Exists(chain.State)
            ? SignStateFile.Create(chain.State)
            : SignStateFile.Open(chain.State));
        SignState state = NotBefore(file.State, audit, chain, start.AcceptOlderState);
        if (state != file.State) file.Save(state);

        SigningNotes notes = new(chain.ChainId, audit, Metrics);
        bool isTrusted = peers.Count == 0 || start.TrustOwnState;
        SignGuard guard = new(state, file.Save, isTrusted);
        Quorum? quorum = peers.Count > 0
            ? new Quorum(chain.ChainId, key.PublicKey, guard, peers, notes)
            : null;
        if (quorum is not null) _loops.Add(() => quorum.KeepRecovered(_stop.Token, _log));
        ConsensusSigner signer = new(
            chain.ChainId, key, guard, quorum is null ? null : quorum.Confirm, notes);
        foreach (string engine in chain.Engines)
        {
            RemoteSigner remote = new(engine, signer, _log, identity);
            _loops.Add(() => remote.Run(_stop.Token));
        }
        return new WitnessedKey(chain.ChainId, key.PublicKey, guard, notes);
    }

    /// <summary>A state that knows less than the audit log was restored from somewhere. Rule SIGN-11.</summary>
    private static SignState NotBefore(SignState state, AuditLog? audit, SignerChain chain, bool isAccepted)
    {
        if (audit is null || !audit.Last.Signed.IsAfter(state)) return state;
        SignState signed = audit.Last.Signed;
        if (isAccepted) return signed;
        throw new IOException($"the sign state {chain.State} is at height {state.Height}, round {state.Round}, "
            + $"{state.Step}, but the audit log {chain.Audit} shows a signature at height {signed.Height}, round "
            + $"{signed.Round}, {signed.Step}: the state is older than what the key has signed. Restore the newest "
            + "one, or start with --accept-older-state to go on after the audit log");
    }

    private T Opened<T>(T item) where T : IDisposable
    {
        _opened.Add(item);
        return item;
    }
}
