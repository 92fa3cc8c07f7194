using System;
using AppChain.Hsm;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>
/// What a node remembers of the transactions that anybody sends it has a bound in memory, not only in number.
/// </summary>
[TestFixture]
public sealed class VerifiedTransactionsTests
{
    [Test]
    public void Transactions_of_many_operations_are_remembered_up_to_a_number_of_operations()
    {
        byte[] secret = new byte[32];
        secret[0] = 7;
        var operations = new Operation[100];
        Array.Fill(operations, new Operation { Kind = OperationKind.CancelAll, Market = 1 });
        var verified = new VerifiedTransactions("one");
        byte[] publicKey = Secp256k1.PublicKeyOf(secret);
        byte[] signature = new byte[SigningKey.SignatureSize];
        byte[] digest = new byte[TransactionCodec.DigestSize];
        int most = 0;
        for (ulong nonce = 1; nonce <= 5_000; nonce++)
        {
            byte[] body = TransactionCodec.EncodeBody(new Transaction
            {
                Signer = TransactionCodec.AddressOf(publicKey),
                Subaccount = 0,
                Nonce = nonce,
                ExpiryHeight = 1,
                AllOrNothing = false,
                Operations = operations,
            });
            TransactionCodec.ComputeDigest("one", body, digest);
            Secp256k1.Sign(secret, digest, signature);
            byte[] bytes = TransactionCodec.Join(body, publicKey, signature);
            VerifiedTransaction first = verified.Verify(bytes);
            Assert.That(first.Code, Is.EqualTo(ResultCode.Ok));
            Assert.That(verified.Verify(bytes), Is.SameAs(first), "remembered");
            most = Math.Max(most, verified.OperationsHeld);
        }

        Assert.That(most, Is.InRange(200_000, 400_000));
    }
}
