using System;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using AppChain.Hashing;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>The three parts of a signed transaction, as ranges of its bytes.</summary>
public readonly ref struct SignedTransactionParts
{
    /// <summary>The body: exactly the bytes that were signed.</summary>
    public ReadOnlySpan<byte> Body { get; init; }

    /// <summary>33 bytes that claim to be a compressed secp256k1 key.</summary>
    public ReadOnlySpan<byte> PublicKey { get; init; }

    /// <summary>64 bytes that claim to be a signature r ‖ s.</summary>
    public ReadOnlySpan<byte> Signature { get; init; }
}

/// <summary>
/// The bytes of transactions, in the one encoding that each has (docs/spec/transactions.md). Decoding never throws,
/// whatever the bytes; what it accepts, encoding gives back to the last byte.
/// </summary>
public static class TransactionCodec
{
    /// <summary>Bytes of the digest that a signature covers.</summary>
    public const int DigestSize = 32;

    /// <summary>Longest chain id, in bytes.</summary>
    public const int ChainIdBytesMax = 50;

    private const int StackBytes = 1024;

    private static ReadOnlySpan<byte> SigningDomain => "appchain/v1/transaction\0"u8;

    /// <summary>
    /// Splits the bytes of a signed transaction. Gives Ok, TooLarge or Malformed; key and signature have their lengths,
    /// but are not checked.
    /// </summary>
    public static ResultCode Split(ReadOnlySpan<byte> bytes, out SignedTransactionParts parts)
    {
        parts = default;
        if (bytes.Length > Limits.TransactionBytesMax)
        {
            return ResultCode.TooLarge;
        }

        ReadOnlySpan<byte> body = default;
        ReadOnlySpan<byte> publicKey = default;
        ReadOnlySpan<byte> signature = default;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case TransactionTags.Body:
                    body = reader.ReadBytes();
                    break;
                case TransactionTags.PublicKey:
                    publicKey = reader.ReadBytes();
                    break;
                case TransactionTags.Signature:
                    signature = reader.ReadBytes();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        if (reader.HasFailed || body.IsEmpty
            || publicKey.Length != SigningKey.PublicKeySize || signature.Length != SigningKey.SignatureSize)
        {
            return ResultCode.Malformed;
        }

        parts = new SignedTransactionParts { Body = body, PublicKey = publicKey, Signature = signature };
        return ResultCode.Ok;
    }

    /// <summary>
    /// Decodes a signed transaction without verifying its signature. Gives Ok and the transaction, or TooLarge,
    /// Malformed or OperationCount.
    /// </summary>
    public static ResultCode Decode(
        ReadOnlySpan<byte> bytes, out SignedTransactionParts parts, [NotNullWhen(true)] out Transaction? transaction)
    {
        transaction = null;
        ResultCode code = Split(bytes, out parts);
        return code == ResultCode.Ok
            ? TransactionDecoder.DecodeBody(parts.Body, AddressOf(parts.PublicKey), out transaction)
            : code;
    }

    /// <summary>
    /// Decodes the body of a transaction signed by an owner. Gives Ok and the transaction, Malformed or OperationCount.
    /// </summary>
    public static ResultCode DecodeBody(
        ReadOnlySpan<byte> body, Address signer, [NotNullWhen(true)] out Transaction? transaction) =>
        TransactionDecoder.DecodeBody(body, signer, out transaction);

    /// <summary>The body bytes of a transaction; the signer is not part of them.</summary>
    /// <exception cref="OverflowException">A price, quantity, amount, height or time is negative.</exception>
    public static byte[] EncodeBody(Transaction transaction) => TransactionEncoder.EncodeBody(transaction);

    /// <summary>The bytes of a signed transaction.</summary>
    public static byte[] Join(ReadOnlySpan<byte> body, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> signature)
    {
        var writer = new WireWriter(body.Length + publicKey.Length + signature.Length + 32);
        writer.WriteBytes(TransactionTags.Body, body);
        writer.WriteBytes(TransactionTags.PublicKey, publicKey);
        writer.WriteBytes(TransactionTags.Signature, signature);
        return writer.ToArray();
    }

    /// <summary>
    /// The digest that a signature covers: SHA-256 of the domain tag, the length of the chain id in one byte, the chain
    /// id in UTF-8, and the body bytes (TX-4).
    /// </summary>
    public static void ComputeDigest(string chainId, ReadOnlySpan<byte> body, Span<byte> digest)
    {
        Span<byte> chainIdBytes = stackalloc byte[ChainIdBytesMax];
        bool fits = Encoding.UTF8.TryGetBytes(chainId, chainIdBytes, out int chainIdSize);
        Invariant.Assert(fits);
        int size = SigningDomain.Length + 1 + chainIdSize + body.Length;
        Span<byte> preimage = size <= StackBytes ? stackalloc byte[StackBytes] : new byte[size];
        SigningDomain.CopyTo(preimage);
        preimage[SigningDomain.Length] = (byte)chainIdSize;
        chainIdBytes[..chainIdSize].CopyTo(preimage[(SigningDomain.Length + 1)..]);
        body.CopyTo(preimage[(SigningDomain.Length + 1 + chainIdSize)..]);
        Sha256.Hash(preimage[..size], digest);
    }

    /// <summary>The owner that a compressed public key stands for: the first 20 bytes of its SHA-256.</summary>
    public static Address AddressOf(ReadOnlySpan<byte> publicKey) => Address.Of(publicKey);
}
