using System;
using System.Diagnostics.CodeAnalysis;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Turns bytes from anyone into transactions of one chain whose signature is right. A pure function of the bytes; safe
/// to call from any thread.
/// </summary>
public sealed class TransactionVerifier(string chainId)
{
    /// <summary>
    /// Decodes and verifies. Gives Ok and the transaction, or the first check that failed: TooLarge, Malformed,
    /// OperationCount, InvalidSubaccount, InvalidPublicKey or InvalidSignature. Never throws.
    /// </summary>
    public ResultCode Decode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Transaction? transaction)
    {
        ResultCode code = TransactionCodec.Decode(bytes, out SignedTransactionParts parts, out transaction);
        if (code == ResultCode.Ok)
        {
            code = Verify(parts);
        }

        if (code != ResultCode.Ok)
        {
            transaction = null;
        }

        return code;
    }

    /// <summary>Verifies the signature of a split transaction: Ok, InvalidPublicKey or InvalidSignature.</summary>
    public ResultCode Verify(SignedTransactionParts parts)
    {
        if (!Secp256k1.TryParse(parts.PublicKey, out Secp256k1.PublicKey key))
        {
            return ResultCode.InvalidPublicKey;
        }

        Span<byte> digest = stackalloc byte[TransactionCodec.DigestSize];
        TransactionCodec.ComputeDigest(chainId, parts.Body, digest);
        return Secp256k1.Verify(key, digest, parts.Signature) ? ResultCode.Ok : ResultCode.InvalidSignature;
    }
}
