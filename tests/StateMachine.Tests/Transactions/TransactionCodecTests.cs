using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Transactions;

[TestFixture]
public sealed class TransactionCodecTests
{
    private static readonly byte[] PublicKey = [2, .. Enumerable.Repeat((byte)7, 32)];
    private static readonly byte[] Signature = [.. Enumerable.Repeat((byte)9, 64)];

    [Test]
    public void What_was_encoded_decodes_to_the_same_transaction([Range(0, 19)] int seed)
    {
        var transactions = new RandomTransactions(seed);
        for (int i = 0; i < 50; i++)
        {
            Transaction sent = transactions.Next();
            byte[] body = TransactionCodec.EncodeBody(sent);
            ResultCode code = TransactionCodec.DecodeBody(body, sent.Signer, out Transaction? received);
            Assert.That(code, Is.EqualTo(ResultCode.Ok));
            Assert.That(received!.Signer, Is.EqualTo(sent.Signer));
            Assert.That(received.Subaccount, Is.EqualTo(sent.Subaccount));
            Assert.That(received.Nonce, Is.EqualTo(sent.Nonce));
            Assert.That(received.ExpiryHeight, Is.EqualTo(sent.ExpiryHeight));
            Assert.That(received.AllOrNothing, Is.EqualTo(sent.AllOrNothing));
            Assert.That(received.Principal, Is.EqualTo(sent.Principal));
            Assert.That(received.Operations.Select(Fields), Is.EqualTo(sent.Operations.Select(Fields)));

            // Contents hold lists, which compare by what they are encoded to.
            Assert.That(TransactionCodec.EncodeBody(received), Is.EqualTo(body));
        }
    }

    [Test]
    public void TX_3_Plain_limit_order_takes_at_most_32_bytes_of_a_batch()
    {
        var order = new Operation
        {
            Kind = OperationKind.PlaceOrder,
            Market = 1,
            Side = Side.Sell,
            Price = 1L << 27,
            Quantity = 1L << 30,
            ClientId = 1UL << 32,
        };
        Assert.That(BytesInBatch(order), Is.EqualTo(25));

        // A post-only order at the highest price and quantity there is still fits.
        order.Price = Limits.PriceMax;
        order.Quantity = Limits.QuantityMax;
        order.TimeInForce = TimeInForce.PostOnly;
        Assert.That(BytesInBatch(order), Is.EqualTo(30));
    }

    [Test]
    public void TX_1_Hundred_operations_are_accepted_and_one_more_is_not()
    {
        var cancel = new Operation { Kind = OperationKind.CancelAll, Market = 1 };
        Assert.That(DecodeBody(With(Enumerable.Repeat(cancel, 100).ToArray())), Is.EqualTo(ResultCode.Ok));
        Assert.That(DecodeBody(With(Enumerable.Repeat(cancel, 101).ToArray())), Is.EqualTo(ResultCode.OperationCount));
        Assert.That(DecodeBody(With()), Is.EqualTo(ResultCode.OperationCount));
    }

    [Test]
    public void TX_1_Sub_account_above_the_limit_is_refused()
    {
        Assert.That(DecodeBytes("18ffff03 2a 04 1a02 0801"), Is.EqualTo(ResultCode.Ok));
        Assert.That(DecodeBytes("18808004 2a 04 1a02 0801"), Is.EqualTo(ResultCode.InvalidSubaccount));
    }

    // Body: nonce 5, expiry 9, one cancel-all of market 1.
    [TestCase("0805 1009 2a04 1a02 0801", ResultCode.Ok, "canonical body")]
    [TestCase("2a02 1a00", ResultCode.Ok, "body of defaults only")]
    [TestCase("0805 1009 2a04 1a02 0801 00", ResultCode.Malformed, "trailing byte")]
    [TestCase("0805 0806 1009 2a04 1a02 0801", ResultCode.Malformed, "duplicate field")]
    [TestCase("1009 0805 2a04 1a02 0801", ResultCode.Malformed, "fields out of order")]
    [TestCase("088500 1009 2a04 1a02 0801", ResultCode.Malformed, "long varint")]
    [TestCase("8800 05 1009 2a04 1a02 0801", ResultCode.Malformed, "long tag")]
    [TestCase("0805 1009 2a8400 1a02 0801", ResultCode.Malformed, "long length")]
    [TestCase("0800 1009 2a04 1a02 0801", ResultCode.Malformed, "written default")]
    [TestCase("0805 1009 2000 2a04 1a02 0801", ResultCode.Malformed, "written false")]
    [TestCase("0805 1009 2002 2a04 1a02 0801", ResultCode.Malformed, "flag of two")]
    [TestCase("0805 1009 2a04 1a02 0801 3001", ResultCode.Malformed, "unknown field")]
    [TestCase("0d05000000 1009 2a04 1a02 0801", ResultCode.Malformed, "wrong wire type")]
    [TestCase("0805 10ffffffffffffffffff01 2a04 1a02 0801", ResultCode.Malformed, "negative height")]
    [TestCase("08ffffffffffffffffff01 2a04 1a02 0801", ResultCode.Ok, "highest nonce")]
    [TestCase("08ffffffffffffffffff02 2a04 1a02 0801", ResultCode.Malformed, "number of 65 bits")]
    [TestCase("08ffffffffffffffffff8001 2a04 1a02 0801", ResultCode.Malformed, "eleven byte varint")]
    [TestCase("0805 1009 2a05 1a02 0801", ResultCode.Malformed, "length beyond the end")]
    [TestCase("0805 1009 2affffffffffffffff7f 1a02", ResultCode.Malformed, "huge length")]
    [TestCase("0805 1009 2a00", ResultCode.Malformed, "operation without a kind")]
    [TestCase("0805 1009 2a08 1a02 0801 1a02 0801", ResultCode.Malformed, "operation of two kinds")]
    [TestCase("0805 1009 2a05 b20602 0801", ResultCode.Malformed, "unknown kind of operation")]
    [TestCase("2a06 0a04 0801 1003", ResultCode.Malformed, "unknown side")]
    [TestCase("2a06 0a04 0801 3004", ResultCode.Malformed, "unknown time in force")]
    [TestCase("2a06 0a04 0801 3804", ResultCode.Malformed, "unknown self trade rule")]
    [TestCase("2a08 1a06 088080808010", ResultCode.Malformed, "market of 33 bits")]
    [TestCase("2a04 2202 0801", ResultCode.Malformed, "replacement without an order")]
    [TestCase("2a06 2204 0801 1a00", ResultCode.Ok, "replacement with an empty order is left to the order checks")]
    [TestCase("2a06 1204 0801 1a00", ResultCode.Malformed, "cancel with an order")]
    [TestCase("2a05 2a03 0a0101", ResultCode.Malformed, "recipient of one byte")]
    [TestCase("2a04 2a02 1801", ResultCode.Malformed, "transfer without a recipient")]
    [TestCase("2a0c 320a 08ffffffffffffffff7f", ResultCode.Ok, "amounts are left to the checks")]
    [TestCase("2a0d 320b 08ffffffffffffffffff01", ResultCode.Malformed, "negative amount")]
    [TestCase("2a04 3a02 0801", ResultCode.Malformed, "agent of no bytes")]
    [TestCase("2a1a 3a18 0a140102030405060708090a0b0c0d0e0f1011121314 1801", ResultCode.Ok, "agent without an end")]
    [TestCase("2a1c 3a1a 0a140102030405060708090a0b0c0d0e0f1011121314 12020102", ResultCode.Ok, "agent of two markets")]
    [TestCase(
        "2a1c 3a1a 0a140102030405060708090a0b0c0d0e0f1011121314 12020201", ResultCode.Malformed, "markets descend")]
    [TestCase("2a1c 3a1a 0a140102030405060708090a0b0c0d0e0f1011121314 12020101", ResultCode.Malformed, "market twice")]
    [TestCase("2a1a 3a18 0a140102030405060708090a0b0c0d0e0f1011121314 1200", ResultCode.Malformed, "empty list")]
    [TestCase("2a04 1a02 0801 32140102030405060708090a0b0c0d0e0f1011121314", ResultCode.Ok, "owner")]
    [TestCase(
        "2a04 1a02 0801 32140000000000000000000000000000000000000000", ResultCode.Malformed, "owner is the signer")]
    [TestCase("2a04 1a02 0801 3203010203", ResultCode.Malformed, "owner of three bytes")]
    [TestCase("", ResultCode.OperationCount, "empty body has no operations")]
    public void TX_2_Only_the_canonical_encoding_is_accepted(string hex, ResultCode expected, string form) =>
        Assert.That(DecodeBytes(hex), Is.EqualTo(expected), form);

    [Test]
    public void TX_1_Envelope_needs_all_three_parts_in_their_lengths()
    {
        byte[] body = TransactionCodec.EncodeBody(With(new Operation { Kind = OperationKind.CancelAll, Market = 1 }));
        Assert.That(Split(TransactionCodec.Join(body, PublicKey, Signature)), Is.EqualTo(ResultCode.Ok));
        Assert.That(Split(TransactionCodec.Join([], PublicKey, Signature)), Is.EqualTo(ResultCode.Malformed));
        Assert.That(Split(TransactionCodec.Join(body, PublicKey[1..], Signature)), Is.EqualTo(ResultCode.Malformed));
        Assert.That(Split(TransactionCodec.Join(body, PublicKey, Signature[1..])), Is.EqualTo(ResultCode.Malformed));
        Assert.That(Split(TransactionCodec.Join(body, PublicKey, [])), Is.EqualTo(ResultCode.Malformed));
        Assert.That(Split([]), Is.EqualTo(ResultCode.Malformed));
    }

    [Test]
    public void TX_1_Transaction_above_16_KiB_is_too_large()
    {
        int overhead = TransactionCodec.Join(new byte[1000], PublicKey, Signature).Length - 1000;
        byte[] largest = TransactionCodec.Join(new byte[Limits.TransactionBytesMax - overhead], PublicKey, Signature);
        Assert.That(largest, Has.Length.EqualTo(Limits.TransactionBytesMax));
        Assert.That(Split(largest), Is.EqualTo(ResultCode.Ok));
        Assert.That(Split([.. largest, 0]), Is.EqualTo(ResultCode.TooLarge));
    }

    [Test]
    public void TX_4_Digest_covers_the_domain_the_chain_and_the_body()
    {
        byte[] body = [1, 2, 3];
        byte[] expected = System.Security.Cryptography.SHA256.HashData(
            [.. "appchain/v1/transaction\0"u8, 10, .. "localnet-1"u8, 1, 2, 3]);
        Assert.That(Digest("localnet-1", body), Is.EqualTo(expected));
        Assert.That(Digest("localnet-2", body), Is.Not.EqualTo(expected));
        Assert.That(Digest("localnet-", [(byte)'1', .. body]), Is.Not.EqualTo(expected));
        var large = new byte[10_000];
        Assert.That(
            Digest("c", large),
            Is.EqualTo(System.Security.Cryptography.SHA256.HashData(
                [.. Encoding.ASCII.GetBytes("appchain/v1/transaction\0\u0001c"), .. large])));
    }

    [Test]
    public void Damaged_bytes_never_throw_and_what_is_accepted_is_canonical([Range(0, 9)] int seed)
    {
        var random = new Random(seed);
        var transactions = new RandomTransactions(seed);
        var codes = new HashSet<ResultCode>();
        for (int i = 0; i < 2_000; i++)
        {
            byte[] bytes = TransactionCodec.Join(
                TransactionCodec.EncodeBody(transactions.Next()), PublicKey, Signature);
            bytes = Damage(bytes, random);
            ResultCode code = TransactionCodec.Decode(
                bytes, out SignedTransactionParts parts, out Transaction? transaction);
            codes.Add(code);
            if (code == ResultCode.Ok)
            {
                byte[] again = TransactionCodec.Join(
                    TransactionCodec.EncodeBody(transaction!), parts.PublicKey, parts.Signature);
                Assert.That(again, Is.EqualTo(bytes));
            }
        }

        Assert.That(codes, Is.SupersetOf(new[] { ResultCode.Ok, ResultCode.Malformed }));
    }

    // Short contents hit every branch of the decoder, because most of their bytes are structure.
    [Test]
    public void Random_short_operations_never_throw_and_what_is_accepted_is_canonical([Range(0, 3)] int seed)
    {
        byte[] alphabet = [0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x0a, 0x1a, 0, 1, 2, 3, 4, 0x80, 0xff];
        var random = new Random(seed);
        int accepted = 0;
        for (int i = 0; i < 200_000; i++)
        {
            byte[] content = random.GetItems(alphabet, random.Next(8));
            byte kind = (byte)((random.Next(1, 10) << 3) | 2);
            byte[] body = [0x2a, (byte)(content.Length + 2), kind, (byte)content.Length, .. content];
            if (TransactionCodec.DecodeBody(body, default, out Transaction? transaction) == ResultCode.Ok)
            {
                accepted++;
                Assert.That(TransactionCodec.EncodeBody(transaction!), Is.EqualTo(body));
            }
        }

        Assert.That(accepted, Is.GreaterThan(1000));
    }

    [Test]
    public void Decoding_allocates_only_the_transaction_and_its_operations()
    {
        var order = new Operation { Kind = OperationKind.PlaceOrder, Market = 1, Side = Side.Buy, Price = 5 };
        byte[] bytes = TransactionCodec.Join(TransactionCodec.EncodeBody(With(order)), PublicKey, Signature);
        TransactionCodec.Decode(bytes, out _, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            TransactionCodec.Decode(bytes, out _, out _);
        }

        long perDecode = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;
        int operationSize = System.Runtime.CompilerServices.Unsafe.SizeOf<Operation>();
        Assert.That(perDecode, Is.LessThanOrEqualTo(operationSize + 24 + 104));
    }

    private static byte[] Damage(byte[] bytes, Random random)
    {
        var damaged = new List<byte>(bytes);
        int times = random.Next(4);
        for (int i = 0; i < times && damaged.Count > 0; i++)
        {
            int at = random.Next(damaged.Count);
            switch (random.Next(5))
            {
                case 0:
                    damaged[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    damaged.RemoveAt(at);
                    break;
                case 2:
                    damaged.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    damaged.RemoveRange(at, damaged.Count - at);
                    break;
                default:
                    damaged.InsertRange(at, damaged.GetRange(at, Math.Min(random.Next(1, 40), damaged.Count - at)));
                    break;
            }
        }

        return damaged.ToArray();
    }

    private static Operation Fields(Operation operation)
    {
        operation.Content = null;
        return operation;
    }

    private static int BytesInBatch(Operation order) =>
        TransactionCodec.EncodeBody(With(order, order)).Length - TransactionCodec.EncodeBody(With(order)).Length;

    private static Transaction With(params Operation[] operations) => new()
    {
        Signer = default,
        Subaccount = 0,
        Nonce = 0,
        ExpiryHeight = 0,
        AllOrNothing = false,
        Operations = operations,
    };

    private static ResultCode DecodeBody(Transaction transaction) =>
        TransactionCodec.DecodeBody(TransactionCodec.EncodeBody(transaction), default, out _);

    private static ResultCode DecodeBytes(string hex) =>
        TransactionCodec.DecodeBody(Convert.FromHexString(hex.Replace(" ", "")), default, out _);

    private static ResultCode Split(byte[] bytes) => TransactionCodec.Split(bytes, out _);

    private static byte[] Digest(string chainId, byte[] body)
    {
        var digest = new byte[TransactionCodec.DigestSize];
        TransactionCodec.ComputeDigest(chainId, body, digest);
        return digest;
    }
}
