using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.StateMachine;
using AppChain.V1;
using Cosmos.Ics23.V1;
using Google.Protobuf;
using NUnit.Framework;
using Side = AppChain.StateMachine.Side;

namespace AppChain.Node.Tests.Queries;

/// <summary>The rules of docs/spec/queries.md, asked of an application that has traded.</summary>
[TestFixture]
public sealed class QueryRulesTests
{
    private readonly List<string> _directories = [];
    private TestNetwork _network = null!;
    private string _alice = "";

    [OneTimeSetUp]
    public void Trade()
    {
        _network = new TestNetwork(NewDirectory, validators: 1);
        _network.Step();
        _network.Step();
        _network.Step(
            _network.Sign("alice", 1, TestNetwork.Order(Side.Sell, 1_000, 500_000)),
            _network.Sign(
                "bob", 1, TestNetwork.Order(Side.Buy, 600, 500_000), TestNetwork.Order(Side.Buy, 10, 499_000)));
        _alice = AccountText.Of(TransactionCodec.AddressOf(Secp256k1.PublicKeyOf(_network.Keys["alice"])));
    }

    [OneTimeTearDown]
    public void Remove()
    {
        _network.Dispose();
        _directories.ForEach(directory => Directory.Delete(directory, true));
    }

    [Test]
    public void QUERY_1_an_answer_is_of_the_last_committed_block_whatever_height_is_asked_for()
    {
        ResponseQuery response = _network.Validators[0].Application.Query(
            new RequestQuery { Path = "/chain", Height = 1 });
        ChainResponse chain = ChainResponse.Parser.ParseFrom(response.Value);
        Assert.That((response.Code, response.Height, chain.Height), Is.EqualTo((0u, 3L, 3ul)));
        Assert.That(chain.AppHash, Is.EqualTo(Convert.ToHexString(_network.AppHash)));
        Assert.That(chain.Time, Is.EqualTo((ulong)_network.Time));
    }

    [TestCase("/nothing", 2, "there is no path '/nothing'")]
    [TestCase("", 2, "there is no path ''")]
    [TestCase("/market", 1, "either by number or by ticker")]
    [TestCase("/book", 1, "the number of the market is missing")]
    [TestCase("/account", 1, "'' is no account")]
    [TestCase("/nonce", 1, "'' is no account")]
    [TestCase("/orders", 1, "'' is no account")]
    [TestCase("/agents", 1, "'' is no account")]
    [TestCase("/proof", 1, "the key is empty")]
    public void QUERY_2_a_question_without_an_answer_has_a_code_and_says_why(string path, int code, string why)
    {
        ResponseQuery response = Ask(path, ByteString.Empty);
        Assert.That((response.Code, response.Codespace), Is.EqualTo(((uint)code, "query")));
        Assert.That(response.Log, Does.Contain(why));
        Assert.That(response.Value, Is.Empty);
    }

    [Test]
    public void QUERY_2_what_is_not_there_is_code_3()
    {
        Assert.That(Refusal("/market", new MarketRequest { Market = 9 }), Is.EqualTo((3u, "there is no market 9")));
        Assert.That(
            Refusal("/market", new MarketRequest { Ticker = "SOL-PERP" }),
            Is.EqualTo((3u, "there is no market SOL-PERP")));
        Assert.That(Refusal("/book", new BookRequest { Market = 9 }), Is.EqualTo((3u, "there is no market 9")));
        Assert.That(
            Refusal("/account", new AccountRequest { Account = _alice + "/7" }),
            Is.EqualTo((3u, $"{_alice}/7 has never held collateral")));
    }

    [TestCase("/council")]
    [TestCase("/proposals")]
    public void QUERY_2_a_council_that_there_cannot_be_is_code_1(string path)
    {
        // Field 1 is the council; protobuf keeps any number in an enum.
        foreach (byte[] data in (byte[][])
        [
            [0x08, 0x07],
            [0x08, 0xFF, 0xFF, 0x03],
            [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        ])
        {
            ResponseQuery response = Ask(path, ByteString.CopyFrom(data));
            Assert.That((response.Code, response.Log), Is.EqualTo((1u, "name a council: guardians or treasurers")));
        }
    }

    [Test]
    public void QUERY_2_there_is_no_answer_before_the_first_block()
    {
        using var young = new TestNetwork(NewDirectory, validators: 1);
        ResponseQuery response = young.Validators[0].Application.Query(new RequestQuery { Path = "/chain" });
        Assert.That((response.Code, response.Log), Is.EqualTo((3u, "there is no block yet: ask again in a moment")));
    }

    [Test]
    public void QUERY_3_bytes_that_are_no_request_are_code_1_and_never_an_exception()
    {
        var random = new Random(7);
        foreach (string path in QueryAnswers.Paths.Append("/proof"))
        {
            Assert.That(Ask(path, ByteString.CopyFrom(0x0A, 0xFF)).Code, Is.EqualTo(1), path);
            for (int i = 0; i < 200; i++)
            {
                byte[] bytes = new byte[random.Next(40)];
                random.NextBytes(bytes);
                Assert.That(Ask(path, ByteString.CopyFrom(bytes)).Code, Is.InRange(0, 4), path);
            }
        }
    }

    [Test]
    public void QUERY_4_a_number_of_rows_beyond_the_most_gives_the_most()
    {
        Assert.That(BookResponse.Parser.ParseFrom(
            Answer("/book", new BookRequest { Market = 1, Depth = uint.MaxValue })).Bids, Has.Count.EqualTo(1));
        Assert.That(FillsResponse.Parser.ParseFrom(
            Answer("/fills", new FillsRequest { Limit = uint.MaxValue })).Fills, Has.Count.EqualTo(1));
        Assert.That(AccountsAtRiskResponse.Parser.ParseFrom(
            Answer("/accounts-at-risk", new AccountsAtRiskRequest { Limit = uint.MaxValue })).Accounts,
            Has.Count.EqualTo(2));
        Assert.That(AccountsAtRiskResponse.Parser.ParseFrom(
            Answer("/accounts-at-risk", new AccountsAtRiskRequest { Limit = 1 })).Accounts, Has.Count.EqualTo(1));
        Assert.That(
            Ask("/liquidations", new LiquidationsRequest { Limit = uint.MaxValue }.ToByteString()).Code, Is.Zero);
    }

    [Test]
    public void QUERY_5_the_answers_agree_with_the_trade()
    {
        BookResponse book = BookResponse.Parser.ParseFrom(Answer("/book", new BookRequest { Market = 1 }));
        Assert.That(
            (book.Asks[0].Price, book.Asks[0].Quantity, book.Asks[0].Orders), Is.EqualTo((500_000ul, 400ul, 1u)));
        Assert.That((book.Bids[0].Price, book.Bids[0].Quantity), Is.EqualTo((499_000ul, 10ul)));

        V1.Market market = V1.Market.Parser.ParseFrom(Answer("/market", new MarketRequest { Ticker = "BTC-PERP" }));
        Assert.That((market.BestBid, market.BestAsk, market.OpenInterest), Is.EqualTo((499_000ul, 500_000ul, 600ul)));

        AccountResponse alice = AccountResponse.Parser.ParseFrom(Answer(
            "/account", new AccountRequest { Account = _alice }));
        Assert.That(
            (alice.Positions[0].Size, alice.Positions[0].OpenSells, alice.OpenOrders), Is.EqualTo((-600L, 400ul, 1u)));
        OrdersResponse orders = OrdersResponse.Parser.ParseFrom(Answer(
            "/orders", new OrdersRequest { Account = _alice, Market = 1 }));
        Assert.That((orders.Orders[0].Quantity, orders.Orders[0].OriginalQuantity), Is.EqualTo((400ul, 1_000ul)));
        Assert.That(OrdersResponse.Parser.ParseFrom(
            Answer("/orders", new OrdersRequest { Account = _alice, Market = 2 })).Orders, Is.Empty);

        FillsResponse fills = FillsResponse.Parser.ParseFrom(Answer("/fills", new FillsRequest { Account = _alice }));
        Assert.That((fills.Fills[0].Height, fills.Fills[0].Fill.Maker), Is.EqualTo((3ul, _alice + "/0")));
        NonceResponse nonce = NonceResponse.Parser.ParseFrom(Answer("/nonce", new NonceRequest { Owner = _alice }));
        Assert.That((nonce.Used, nonce.Highest), Is.EqualTo((true, 1ul)));
        OracleResponse oracle = OracleResponse.Parser.ParseFrom(Answer("/oracle", new OracleRequest { Market = 1 }));
        Assert.That((oracle.Markets[0].Price, oracle.Markets[0].Reports.Count), Is.EqualTo((500_000ul, 1)));
    }

    [Test]
    public void QUERY_6_a_proof_of_a_kept_height_holds_under_the_app_hash_in_both_forms([Values] bool exists)
    {
        byte[] key = exists ? RowChange.KeyOf<SingleKey, PoolRow>(default) : RowChange.KeyOf<ulong, OrderRow>(999);
        ProofResponse answer = ProofResponse.Parser.ParseFrom(Answer("/proof", Proof(key)));
        Assert.That((answer.Exists, answer.Value.IsEmpty, answer.Height), Is.EqualTo((exists, !exists, 3ul)));
        Assert.That(StateProof.TryDecode(answer.Proof.Span, out StateProof? proof), Is.True);
        byte[]? value = exists ? answer.Value.ToByteArray() : null;
        Assert.That(StateProof.Verify(proof!, _network.AppHash, key, value), Is.True);
        CommitmentProof ics23 = CommitmentProof.Parser.ParseFrom(answer.Ics23Proof);
        Assert.That(ics23.ProofCase, Is.EqualTo(
            exists ? CommitmentProof.ProofOneofCase.Exist : CommitmentProof.ProofOneofCase.Nonexist));
    }

    [TestCase(4)]
    [TestCase(-1)]
    [TestCase(long.MaxValue)]
    public void QUERY_7_a_height_that_is_not_kept_is_code_4_and_says_which_are(long height)
    {
        ResponseQuery response = _network.Validators[0].Application.Query(new RequestQuery
        {
            Path = "/proof",
            Data = Proof(RowChange.KeyOf<SingleKey, PoolRow>(default)).ToByteString(),
            Height = height,
        });
        Assert.That((response.Code, response.Log), Is.EqualTo(
            (4u, $"the state of height {height} is not kept: ask for 0 to 3")));
    }

    [Test]
    public async Task QUERY_8_a_query_waits_for_no_block_and_never_sees_half_of_one()
    {
        using var network = new TestNetwork(NewDirectory, validators: 1);
        network.Step();
        Application application = network.Validators[0].Application;
        var hashes = new Dictionary<long, byte[]> { [1] = network.AppHash };
        byte[] key = RowChange.KeyOf<SingleKey, ChainRow>(default);
        int asked = 0;
        bool isOver = false;
        var proofs = new List<ProofResponse>();
        var chains = new List<ChainResponse>();
        Task asking = Task.Run(() =>
        {
            // BOUND: until the blocks are made.
            while (!System.Threading.Volatile.Read(ref isOver))
            {
                proofs.Add(ProofResponse.Parser.ParseFrom(
                    application.Query(new RequestQuery { Path = "/proof", Data = Proof(key).ToByteString() }).Value));
                chains.Add(ChainResponse.Parser.ParseFrom(
                    application.Query(new RequestQuery { Path = "/chain" }).Value));
                System.Threading.Interlocked.Increment(ref asked);
            }
        });
        // BOUND: blocks, until some were asked about.
        for (int i = 0; i < 30 || System.Threading.Volatile.Read(ref asked) < 30; i++)
        {
            network.Step();
            hashes[network.Height] = network.AppHash;
        }

        System.Threading.Volatile.Write(ref isOver, true);
        await asking;
        foreach (ProofResponse answer in proofs)
        {
            Assert.That(StateProof.TryDecode(answer.Proof.Span, out StateProof? proof), Is.True);
            Assert.That(
                StateProof.Verify(proof!, hashes[(long)answer.Height], key, answer.Value.ToByteArray()), Is.True);
        }

        Assert.That(chains, Has.All.Matches<ChainResponse>(
            chain => chain.AppHash == Convert.ToHexString(hashes[(long)chain.Height])));
    }

    private static ProofRequest Proof(byte[] key) => new() { Key = ByteString.CopyFrom(key) };

    private ResponseQuery Ask(string path, ByteString data) =>
        _network.Validators[0].Application.Query(new RequestQuery { Path = path, Data = data });

    private ByteString Answer(string path, IMessage request)
    {
        ResponseQuery response = Ask(path, request.ToByteString());
        Assert.That(response.Code, Is.Zero, response.Log);
        return response.Value;
    }

    private (uint Code, string Log) Refusal(string path, IMessage request)
    {
        ResponseQuery response = Ask(path, request.ToByteString());
        return (response.Code, response.Log);
    }

    private string NewDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("appchain-query-").FullName;
        _directories.Add(directory);
        return directory;
    }
}
