using System;
using System.Collections.Generic;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hashing;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Abci;

/// <summary>
/// The hashes a CometBFT header carries, and the header's own. All are 32 bytes unless said otherwise.
/// </summary>
public static class BlockHashes
{
    /// <summary>Bytes of an address.</summary>
    public const int AddressSize = 20;

    /// <summary>
    /// The block hash: a tree over the 14 header fields, each in its own protobuf encoding. Empty while the header has
    /// no validators hash, as the engine defines it.
    /// </summary>
    public static ByteString Header(Header header)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (header.ValidatorsHash.IsEmpty) return ByteString.Empty;
        Header full = WireForm.Completed(header);
        MerkleLeaves leaves = new(14);
        leaves.Add(full.Version);
        leaves.Add(new StringValue { Value = full.ChainId });
        leaves.Add(new Int64Value { Value = full.Height });
        leaves.Add(full.Time);
        leaves.Add(full.LastBlockId);
        leaves.AddField(full.LastCommitHash);
        leaves.AddField(full.DataHash);
        leaves.AddField(full.ValidatorsHash);
        leaves.AddField(full.NextValidatorsHash);
        leaves.AddField(full.ConsensusHash);
        leaves.AddField(full.AppHash);
        leaves.AddField(full.LastResultsHash);
        leaves.AddField(full.EvidenceHash);
        leaves.AddField(full.ProposerAddress);
        return RootOf(leaves);
    }

    /// <summary>Hash and identifier of a transaction: SHA-256 of its bytes.</summary>
    public static ByteString Transaction(ReadOnlySpan<byte> tx) => ByteString.CopyFrom(Sha256.Hash(tx));

    /// <summary>Data hash: a tree whose leaves are the hashes of the transactions.</summary>
    public static ByteString Data(IReadOnlyList<ByteString> txs)
    {
        ArgumentNullException.ThrowIfNull(txs);
        MerkleLeaves leaves = new(txs.Count);
        Span<byte> hash = stackalloc byte[Sha256.Size];
        for (int i = 0; i < txs.Count; i++)
        {
            Sha256.Hash(txs[i].Span, hash);
            leaves.Add(hash);
        }
        return RootOf(leaves);
    }

    /// <summary>The data hash, and that transaction <paramref name="index"/> is part of it.</summary>
    public static TxProof ProveTransaction(IReadOnlyList<ByteString> txs, int index)
    {
        ArgumentNullException.ThrowIfNull(txs);
        (byte[] root, IReadOnlyList<Wire.Crypto.Proof> proofs) = MerkleTree.Prove(TransactionLeaves(txs));
        return new TxProof { RootHash = ByteString.CopyFrom(root), Data = txs[index], Proof = proofs[index] };
    }

    /// <summary>Validators hash over key and power in set order; priorities do not count.</summary>
    public static ByteString Validators(IReadOnlyList<Wire.Types.Validator> validators)
    {
        ArgumentNullException.ThrowIfNull(validators);
        MerkleLeaves leaves = new(validators.Count);
        foreach (Wire.Types.Validator validator in validators)
            leaves.Add(new SimpleValidator { PubKey = validator.PubKey, VotingPower = validator.VotingPower });
        return RootOf(leaves);
    }

    /// <summary>Last commit hash over the signatures in set order; height, round and block id do not count.</summary>
    public static ByteString Commit(Commit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        MerkleLeaves leaves = new(commit.Signatures.Count);
        for (int i = 0; i < commit.Signatures.Count; i++) leaves.Add(WireForm.Completed(commit.Signatures[i]));
        return RootOf(leaves);
    }

    /// <summary>Consensus hash: SHA-256 over the block limits alone.</summary>
    public static ByteString ConsensusParams(ConsensusParams parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        HashedParams hashed = new()
        {
            BlockMaxBytes = parameters.Block?.MaxBytes ?? 0,
            BlockMaxGas = parameters.Block?.MaxGas ?? 0,
        };
        return ByteString.CopyFrom(Sha256.Hash(hashed.ToByteArray()));
    }

    /// <summary>Results hash over code, data and gas of each transaction; texts and events do not count.</summary>
    public static ByteString Results(IReadOnlyList<ExecTxResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        MerkleLeaves leaves = new(results.Count);
        for (int i = 0; i < results.Count; i++)
        {
            ExecTxResult result = results[i];
            leaves.Add(new ExecTxResult
            {
                Code = result.Code,
                Data = result.Data,
                GasWanted = result.GasWanted,
                GasUsed = result.GasUsed,
            });
        }
        return RootOf(leaves);
    }

    /// <summary>Evidence hash over the pieces of evidence without their common wrapper.</summary>
    public static ByteString Evidence(IReadOnlyList<Evidence> evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        MerkleLeaves leaves = new(evidence.Count);
        foreach (Evidence item in evidence)
        {
            Evidence full = WireForm.Completed(item);
            leaves.Add(full.SumCase switch
            {
                Wire.Types.Evidence.SumOneofCase.DuplicateVoteEvidence => full.DuplicateVoteEvidence,
                Wire.Types.Evidence.SumOneofCase.LightClientAttackEvidence => full.LightClientAttackEvidence,
                _ => throw new ArgumentException("evidence of no known kind has no hash", nameof(evidence)),
            });
        }
        return RootOf(leaves);
    }

    /// <summary>
    /// Address of a validator's key, which must be Ed25519: other kinds of keys are refused with
    /// <see cref="NotSupportedException"/>.
    /// </summary>
    public static ByteString Address(Wire.Crypto.PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.SumCase != Wire.Crypto.PublicKey.SumOneofCase.Ed25519)
        {
            throw new NotSupportedException($"validator keys must be ed25519, not {key.SumCase}");
        }
        return Address(key.Ed25519.Span);
    }

    /// <summary>Address of an Ed25519 key: the first 20 bytes of SHA-256 of its 32 bytes.</summary>
    public static ByteString Address(ReadOnlySpan<byte> ed25519Key) =>
        ByteString.CopyFrom(Sha256.Hash(ed25519Key).AsSpan(0, AddressSize));

    private static byte[][] TransactionLeaves(IReadOnlyList<ByteString> txs)
    {
        ArgumentNullException.ThrowIfNull(txs);
        byte[][] leaves = new byte[txs.Count][];
        for (int i = 0; i < leaves.Length; i++) leaves[i] = Sha256.Hash(txs[i].Span);
        return leaves;
    }

    private static ByteString RootOf(MerkleLeaves leaves) => ByteString.CopyFrom(leaves.Root());
}
