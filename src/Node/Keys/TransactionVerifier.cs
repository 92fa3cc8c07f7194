using System;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Turns bytes from anyone into transactions of one chain whose signature is right. A pure function of the bytes; safe
/// to call from any thread.
/// </summary>
public sealed class TransactionVerifier(string chainId)
{
    // BOUND: some 3 MB. Whoever trades signs again; to find the point of a key takes a seventh of a verification.
    private const int KeysMax = 16_384;

    /// <summary>The 33 bytes of a compressed key.</summary>
    private readonly record struct Compressed(byte Sign, UInt128 High, UInt128 Low);

    private readonly ConcurrentDictionary<Compressed, Secp256k1.PublicKey> _keys = new();

    /// <summary>
    /// Decodes and verifies. Gives Ok and the transaction, or the first check that failed: TooLarge, Malformed,
    /// OperationCount, InvalidSubaccount, InvalidPublicKey, InvalidSignature or InvalidReleaseSignature. Never throws.
    /// </summary>
    public ResultCode Decode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Transaction? transaction)
    {
        ResultCode code = TransactionCodec.Decode(bytes, out SignedTransactionParts parts, out transaction);
        if (code == ResultCode.Ok)
        {
            code = Verify(parts);
        }

        if (code == ResultCode.Ok)
        {
            code = VerifyContents(transaction!, parts.PublicKey);
        }

        if (code != ResultCode.Ok)
        {
            transaction = null;
        }

        return code;
    }

    // What is signed inside of a transaction, and the keys that it proposes: the state machine knows no curve.
    private ResultCode VerifyContents(Transaction transaction, ReadOnlySpan<byte> publicKey)
    {
        // BOUND: at most Limits.OperationsPerTransactionMax operations.
        foreach (ref readonly Operation operation in transaction.Operations.AsSpan())
        {
            ResultCode code = operation.Content switch
            {
                ReleaseSignature signed => VerifyRelease(signed, publicKey),
                VaultPolicy policy => VerifyMembers(policy.Council),
                TreasuryPolicy policy => VerifyMembers(policy.Council),
                ValidatorPowers powers => VerifyValidators(powers),
                _ => ResultCode.Ok,
            };
            if (code != ResultCode.Ok)
            {
                return code;
            }
        }

        return ResultCode.Ok;
    }

    // Who has power already may lose it, whatever its key is.
    private static ResultCode VerifyValidators(ValidatorPowers powers)
    {
        foreach (PowerChange change in powers.Changes)
        {
            if (change.PowerBefore == 0 && !Ed25519.IsPublicKey(change.PublicKey.AsSpan()))
            {
                return ResultCode.InvalidPublicKey;
            }
        }

        return ResultCode.Ok;
    }

    private ResultCode VerifyRelease(ReleaseSignature signed, ReadOnlySpan<byte> publicKey)
    {
        Span<byte> digest = stackalloc byte[TransactionCodec.DigestSize];
        ReleaseMessage.ComputeDigest(chainId, signed.Release, digest);
        return TryParse(publicKey, out Secp256k1.PublicKey key)
            && Secp256k1.Verify(key, digest, signed.Signature.AsSpan())
            ? ResultCode.Ok
            : ResultCode.InvalidReleaseSignature;
    }

    private static ResultCode VerifyMembers(CouncilTerms council)
    {
        foreach (System.Collections.Immutable.ImmutableArray<byte> member in council.Members)
        {
            if (!Secp256k1.TryParse(member.AsSpan(), out _))
            {
                return ResultCode.InvalidPublicKey;
            }
        }

        return ResultCode.Ok;
    }

    /// <summary>Verifies the signature of a split transaction: Ok, InvalidPublicKey or InvalidSignature.</summary>
    public ResultCode Verify(SignedTransactionParts parts)
    {
        if (!TryParse(parts.PublicKey, out Secp256k1.PublicKey key))
        {
            return ResultCode.InvalidPublicKey;
        }

        Span<byte> digest = stackalloc byte[TransactionCodec.DigestSize];
        TransactionCodec.ComputeDigest(chainId, parts.Body, digest);
        return Secp256k1.Verify(key, digest, parts.Signature) ? ResultCode.Ok : ResultCode.InvalidSignature;
    }

    // The verdict of Secp256k1.TryParse; keys on the curve are remembered.
    private bool TryParse(ReadOnlySpan<byte> publicKey, out Secp256k1.PublicKey key)
    {
        key = default;
        if (publicKey.Length != Secp256k1.PublicKeySize)
        {
            return false;
        }

        var bytes = new Compressed(
            publicKey[0], MemoryMarshal.Read<UInt128>(publicKey[1..]), MemoryMarshal.Read<UInt128>(publicKey[17..]));
        if (_keys.TryGetValue(bytes, out key))
        {
            return true;
        }

        if (!Secp256k1.TryParse(publicKey, out key))
        {
            return false;
        }

        if (_keys.Count >= KeysMax)
        {
            _keys.Clear();
        }

        _keys[bytes] = key;
        return true;
    }
}
