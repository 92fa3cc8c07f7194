using System;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Margin;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>A node says what it does not prove.</summary>
internal sealed class NotProvenException(string what) : Exception($"the node does not prove what it says: {what}");

/// <summary>
/// Rows of the state after one height, each with a proof against the app hash in a header that trusted validators
/// signed (VAULT-15). What a node says otherwise is not looked at.
/// </summary>
internal sealed class ProvenRows
{
    /// <summary>
    /// How old the newest header may be by this machine's clock, and how far ahead of it, in nanoseconds.
    /// </summary>
    public const long AgeMax = 60_000_000_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    private readonly RpcClient _node;
    private readonly ByteString _appHash;
    private readonly CancellationToken _cancel;

    private ProvenRows(RpcClient node, Header header, CancellationToken cancel)
    {
        _node = node;
        _appHash = header.AppHash;
        _cancel = cancel;
        Height = header.Height - 1;
    }

    /// <summary>Height of the state.</summary>
    public long Height { get; }

    /// <summary>
    /// The newest state that can be proven, and at least that of a height, for whose successor it waits.
    /// </summary>
    /// <param name="node">Whom to ask.</param>
    /// <param name="trusted">Whose signatures count.</param>
    /// <param name="atLeast">Height of the state.</param>
    /// <param name="clock">Nanoseconds since 1970 by this machine's clock.</param>
    /// <param name="cancel">Gives up early.</param>
    /// <exception cref="NotProvenException">The header is not signed as it must be, or is too old.</exception>
    public static async Task<ProvenRows> NewestAsync(
        RpcClient node, TrustedValidators trusted, long atLeast, Func<long> clock, CancellationToken cancel)
    {
        // The state after a block is signed for in the header of the next one.
        long until = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        long height = (await node.StatusAsync(cancel).ConfigureAwait(false)).Height;
        // BOUND: ends when the patience is over.
        while (height <= atLeast)
        {
            if (Environment.TickCount64 >= until)
            {
                throw new NotProvenException($"no block came after height {height}");
            }

            await Task.Delay(50, cancel).ConfigureAwait(false);
            height = (await node.StatusAsync(cancel).ConfigureAwait(false)).Height;
        }

        CommitAnswer answer = await node.CommitAsync(height, cancel).ConfigureAwait(false);
        Header header = answer.SignedHeader.Header;
        if (header.Height != height)
        {
            throw new NotProvenException($"asked for the header of height {height}, it gave that of {header.Height}");
        }

        string? fault = trusted.Refuse(
            header, answer.SignedHeader.Commit, await node.ValidatorsAsync(height, cancel).ConfigureAwait(false));
        if (fault is not null)
        {
            throw new NotProvenException(fault);
        }

        long age = clock() - WireTime.ToNanoseconds(header.Time);
        return age is >= -AgeMax and <= AgeMax
            ? new ProvenRows(node, header, cancel)
            : throw new NotProvenException($"its newest block is {age / 1_000_000_000} s old by this machine's clock");
    }

    /// <summary>A row; null when it is proven that there is none.</summary>
    /// <exception cref="NotProvenException">The proof does not hold.</exception>
    public async Task<TRow?> FindAsync<TKey, TRow>(TKey key)
        where TRow : struct, IRow<TKey, TRow>
    {
        byte[] encoded = RowChange.KeyOf<TKey, TRow>(key);
        V1.ProofResponse answer = await _node.ProofAsync(encoded, Height, _cancel).ConfigureAwait(false);
        byte[]? value = answer.Exists ? answer.Value.ToByteArray() : null;
        bool holds = StateProof.TryDecode(answer.Proof.Span, out StateProof? proof)
            && StateProof.Verify(proof, _appHash.Span, encoded, value);
        if (!holds)
        {
            throw new NotProvenException($"its proof of the {TRow.Kind} row after height {Height} does not hold");
        }

        return value is null ? null : Decode<TKey, TRow>(encoded, value);
    }

    /// <summary>A row that every chain has.</summary>
    /// <exception cref="NotProvenException">The proof does not hold, or says that there is none.</exception>
    public async Task<TRow> GetAsync<TKey, TRow>(TKey key)
        where TRow : struct, IRow<TKey, TRow> =>
        await FindAsync<TKey, TRow>(key).ConfigureAwait(false)
            ?? throw new NotProvenException($"after height {Height} there is no {TRow.Kind} row");

    private static TRow Decode<TKey, TRow>(byte[] key, byte[] value)
        where TRow : struct, IRow<TKey, TRow>
    {
        try
        {
            var keyReader = new ByteReader(key.AsSpan(1));
            var valueReader = new ByteReader(value);
            return TRow.Decode(ref keyReader, ref valueReader);
        }
        catch (Exception cause) when (cause is InvariantException or OverflowException)
        {
            throw new NotProvenException($"the {TRow.Kind} row is of another version of the chain");
        }
    }
}
