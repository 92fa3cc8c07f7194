using System;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

[TestFixture]
public sealed class TxCommandsTests
{
    private CommandRun _run = null!;
    private FakeNode _node = null!;

    [SetUp]
    public async Task Start()
    {
        _run = new CommandRun();
        _node = new FakeNode();
        _run.Variables["APPCHAIN_NODE"] = _node.Url;
        await _run.Run("keys", "add", "alice", "--unencrypted");
        await _run.Run("keys", "add", "bob", "--unencrypted");
    }

    [TearDown]
    public void Stop()
    {
        _node.Dispose();
        _run.Dispose();
    }

    private Task<int> Run(string line) => _run.Run(line.Split(' '));

    [Test]
    public async Task Order_in_decimals_arrives_signed_in_ticks_and_lots()
    {
        int code = await Run(
            "tx order place BTC-PERP buy --quantity 0.25 --price 50000.5 --client-id 77 --from alice --subaccount 3");
        Assert.That(code, Is.Zero, _run.Error);
        Transaction sent = _node.LastTransaction();
        Assert.That(sent.Nonce, Is.InRange(8, 39), "above the highest used, and no two commands the same");
        Assert.That(sent.ExpiryHeight, Is.EqualTo(141));
        Assert.That(sent.Subaccount, Is.EqualTo(3));
        Assert.That(sent.Operations, Is.EqualTo(new[]
        {
            new Operation
            {
                Kind = OperationKind.PlaceOrder,
                Market = 1,
                Side = Side.Buy,
                Price = 500_005,
                Quantity = 2_500,
                ClientId = 77,
            },
        }));
        Assert.That(_run.Out, Does.StartWith("sent ").And.Contain("appchain query tx "));
    }

    [TestCase(
        "place btc-perp sell --quantity 1 --price 50000 --time-in-force post-only --reduce-only --self-trade "
        + "decrement")]
    public async Task Every_option_of_an_order_reaches_the_chain(string order)
    {
        Assert.That(await Run($"tx order {order} --good-til-height 99 --from alice"), Is.Zero, _run.Error);
        Operation sent = _node.LastTransaction().Operations[0];
        Assert.That(sent.TimeInForce, Is.EqualTo(TimeInForce.PostOnly));
        Assert.That(sent.SelfTrade, Is.EqualTo(SelfTrade.Decrement));
        Assert.That(sent.ReduceOnly, Is.True);
        Assert.That(sent.GoodTilHeight, Is.EqualTo(99));
        Assert.That(sent.Side, Is.EqualTo(Side.Sell));
    }

    [Test]
    public async Task Good_til_time_is_nanoseconds_of_utc()
    {
        await Run("tx order place 1 buy --quantity 1 --price 1 --good-til-time 2025-10-10T21:00:00.25Z --from alice");
        Assert.That(_node.LastTransaction().Operations[0].GoodTilTime, Is.EqualTo(1_760_130_000_250_000_000));
    }

    [TestCase("buy", 505_000)]
    [TestCase("sell", 495_000)]
    public async Task Market_order_without_a_price_stops_one_percent_beyond_the_mark(string side, long limit)
    {
        Assert.That(await Run($"tx order place BTC-PERP {side} --quantity 1 --market-order --from alice"), Is.Zero);
        Operation sent = _node.LastTransaction().Operations[0];
        Assert.That(sent.Price, Is.EqualTo(limit));
        Assert.That(sent.IsMarket, Is.True);
        Assert.That(sent.TimeInForce, Is.EqualTo(TimeInForce.ImmediateOrCancel));
    }

    [Test]
    public async Task Slippage_is_bounded_by_the_band()
    {
        await Run("tx order place BTC-PERP buy --quantity 1 --market-order --slippage 2.5% --from alice");
        Assert.That(_node.LastTransaction().Operations[0].Price, Is.EqualTo(512_500));
        await Run("tx order place BTC-PERP buy --quantity 1 --market-order --slippage 50% --from alice");
        Assert.That(_node.LastTransaction().Operations[0].Price, Is.EqualTo(525_000));
    }

    [Test]
    public async Task Cancels_replacements_transfers_and_withdrawals_reach_the_chain()
    {
        await Run("tx order cancel --order-id 12 --from alice");
        Assert.That(_node.LastTransaction().Operations[0].TargetOrderId, Is.EqualTo(12));
        await Run("tx order cancel --client-id 13 --from alice");
        Assert.That(_node.LastTransaction().Operations[0].TargetClientId, Is.EqualTo(13));
        await Run("tx order cancel-all BTC-PERP --from alice");
        Assert.That(_node.LastTransaction().Operations[0].Kind, Is.EqualTo(OperationKind.CancelAll));
        await Run(
            "tx order replace BTC-PERP sell --replace-client-id 5 --client-id 6 --quantity 2 --price 3 --from alice");
        Operation replace = _node.LastTransaction().Operations[0];
        Assert.That(
            (replace.Kind, replace.TargetClientId, replace.ClientId), Is.EqualTo((OperationKind.ReplaceOrder, 5, 6)));
        await Run("tx transfer 100.5 bob/2 --from alice");
        Operation transfer = _node.LastTransaction().Operations[0];
        Assert.That(transfer.Amount, Is.EqualTo(100_500_000));
        var store = new KeyStore(System.IO.Path.Combine(_run.Home, "keys"));
        store.TryLoad("bob", out KeyFile? bob);
        Assert.That(transfer.Recipient, Is.EqualTo(new AccountId(bob!.Owner, 2)));
        await Run($"tx transfer 1 {AccountText.Of(bob.Owner)} --from alice");
        Assert.That(_node.LastTransaction().Operations[0].Recipient, Is.EqualTo(new AccountId(bob.Owner, 0)));
        await Run("tx withdraw 0.000001 --to bank --from alice");
        Assert.That(_node.LastTransaction().Operations[0].Amount, Is.EqualTo(1));
    }

    [TestCase(
        "tx order place BTC-PERP buy --quantity 1 --price 50000.55 --from alice",
        "price 50000.55 is not a multiple of the tick 0.1; nearest are 50000.5 and 50000.6")]
    [TestCase(
        "tx order place BTC-PERP buy --quantity 0.00001 --price 5 --from alice",
        "quantity 0.00001 is not a multiple of the lot 0.0001; nearest is 0.0001")]
    [TestCase("tx order place DOGE buy --quantity 1 --price 5 --from alice", "no market 'DOGE'; there are BTC-PERP")]
    [TestCase("tx order place BTC-PERP buy --price 5 --from alice", "an order needs either quantity or lots")]
    [TestCase("tx order place BTC-PERP buy --quantity 5 --from alice", "an order needs either price or ticks")]
    [TestCase("tx order place BTC-PERP hold --quantity 5 --price 1 --from alice", "'hold'")]
    [TestCase(
        "tx order place BTC-PERP buy --quantity 5 --price 1",
        "say which key signs: either --from NAME, or --hsm PLACE")]
    [TestCase("tx withdraw 1 --to bank --from alice --hsm pkcs11:token=t;key=k", "either --from NAME, or --hsm PLACE")]
    [TestCase("tx withdraw 1 --to bank --hsm pkcs11:token=t", "write pkcs11:token=LABEL;key=LABEL;pin-file=FILE")]
    [TestCase("tx order cancel --from alice", "name the order by either order_id or client_id")]
    [TestCase("tx order cancel --order-id 1 --client-id 1 --from alice", "name the order by either")]
    [TestCase("tx order cancel --order-id x --from alice", "order_id 'x' is not a whole number above zero")]
    [TestCase(
        "tx order place BTC-PERP buy --quantity 1 --price 1 --time-in-force ioc --good-til-height 9 --from alice",
        "only an order that may rest has a good_til_height or good_til_time")]
    [TestCase(
        "tx withdraw 0.0000001 --to bank --from alice", "amount 0.0000001 is not a multiple of the micro-USD 0.000001")]
    [TestCase("tx transfer 1 app1qqqq --from alice", "'app1qqqq' is no account: mistyped")]
    [TestCase("tx transfer 1 bob/70000 --from alice", "70000")]
    [TestCase("tx withdraw 1 --to bank --from eve", "no key 'eve'")]
    [TestCase("tx order fly", "'fly'")]
    public async Task Mistakes_end_with_2_and_a_line_that_says_what_is_wrong(string line, string message)
    {
        Assert.That(await Run(line), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.StartWith("error: ").And.Contain(message));
        Assert.That(_node.Received, Is.Empty);
    }

    [Test]
    public async Task Missing_node_ends_with_3()
    {
        string url = _node.Url;
        _node.Dispose();
        Assert.That(await Run("tx withdraw 1 --to bank --from alice"), Is.EqualTo(ExitCode.Unreachable));
        Assert.That(_run.Error, Does.StartWith($"error: no node at {url}").And.Contain("--node URL"));
    }

    [Test]
    public async Task Refused_by_the_mempool_ends_with_1_and_says_what_to_do()
    {
        _node.CheckCode = (uint)ResultCode.NonceUsed;
        Assert.That(await Run("tx withdraw 1 --to bank --nonce 3 --from alice"), Is.EqualTo(ExitCode.Refused));
        Assert.That(_node.LastTransaction().Nonce, Is.EqualTo(3));
        Assert.That(_run.Error.Trim(), Is.EqualTo("error: the nonce was used before; send it again without --nonce"));
        await Run("tx withdraw 1 --to bank --nonce 3 --from alice --output json");
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.GetProperty("code").GetInt32(), Is.EqualTo(203));
    }

    [Test]
    public async Task Margin_refusal_names_the_size_that_fits_and_the_deposit_that_is_missing()
    {
        // 0.5 BTC at a mark of 50,000 and 5 % needs 1,250; 900.12 carries 0.36 BTC.
        _node.Outcome = _ => ((uint)ResultCode.MarginTooLow, new V1.TransactionResult
        {
            Operations = { new V1.OperationResult { Code = (uint)ResultCode.MarginTooLow } },
            Needed = "1250000000",
            Available = "900120000",
        }, []);
        int code = await Run("tx order place BTC-PERP buy --quantity 0.5 --price 50000 --wait --from alice");
        Assert.That(code, Is.EqualTo(ExitCode.Refused));
        Assert.That(_run.Out, Does.Contain(
            "margin too low: needs 1,250.00, has 900.12; reduce size to 0.36 or deposit 349.88"));
    }

    [Test]
    public async Task Outcome_in_a_block_tells_fills_and_what_rests()
    {
        _node.Outcome = sent => (0, new V1.TransactionResult
        {
            Operations = { new V1.OperationResult { OrderId = 9, Filled = 1_000 } },
        },
        [
            Event("Fill", ("taker_order_id", "9"), ("price", "500000"), ("quantity", "400"), ("taker_fee", "1000000")),
            Event("Fill", ("taker_order_id", "9"), ("price", "500005"), ("quantity", "600"), ("taker_fee", "1500000")),
            Event("OrderOpened", ("order_id", "9"), ("quantity", "1500")),
        ]);
        int code = await Run("tx order place BTC-PERP buy --quantity 0.25 --price 50000.5 --wait --from alice");
        Assert.That(code, Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(
            "buy 0.25 BTC-PERP at 50,000.5: order 9, filled 0.1 at 50,000.300 on average, fee 2.50, 0.15 rests"));
        await Run($"query tx {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(_node.Received[0]))}");
        Assert.That(_run.Out, Does.Contain("order 9, filled 0.1"));
    }

    [Test]
    public async Task Batch_reports_each_operation_and_explains_the_first_refusal()
    {
        string file = _run.WriteFile("batch.csv", """
            op,market,side,price,quantity,client_id
            place,BTC-PERP,buy,49000,0.1,1
            place,BTC-PERP,sell,51000.1,0.1,2
            cancel-all,BTC-PERP,,,,
            """);
        _node.Outcome = _ => (0, new V1.TransactionResult
        {
            Operations =
            {
                new V1.OperationResult { OrderId = 5 },
                new V1.OperationResult { Code = (uint)ResultCode.DuplicateClientId },
                new V1.OperationResult(),
            },
        }, []);
        Assert.That(await Run($"tx order batch {file} --all-or-nothing --wait --from alice"), Is.Zero, _run.Error);
        Transaction sent = _node.LastTransaction();
        Assert.That(sent.AllOrNothing, Is.True);
        Assert.That(sent.Operations.Select(operation => operation.ClientId), Is.EqualTo(new[] { 1, 2, 0 }));
        Assert.That(sent.Operations[1].Price, Is.EqualTo(510_001));
        Assert.That(_run.Out, Does.Contain("order 5").And.Contain("an open order has this client id"));
    }

    [Test]
    public async Task Dry_run_shows_everything_and_sends_nothing()
    {
        int code = await Run("tx order place BTC-PERP buy --quantity 0.5 --price 50000 --dry-run --from alice");
        Assert.That(code, Is.Zero, _run.Error);
        Assert.That(_node.Received, Is.Empty);
        Assert.That(_run.Out, Does.Contain("not sent").And.Contain(
            "estimate: margin too low: needs 1,250.00, has 900.12; reduce size to 0.36 or deposit 349.88"));
        await Run("tx order place BTC-PERP buy --quantity 0.1 --price 50000 --dry-run --from alice -o json");
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        byte[] bytes = Convert.FromHexString(json.RootElement.GetProperty("transaction").GetString()!);
        Assert.That(json.RootElement.GetProperty("bytes").GetInt32(), Is.EqualTo(bytes.Length));
        Assert.That(
            new TransactionVerifier(FakeNode.ChainId).Decode(bytes, out Transaction? transaction),
            Is.EqualTo(ResultCode.Ok));
        Assert.That(transaction!.Operations[0].Quantity, Is.EqualTo(1_000));
        Assert.That(
            json.RootElement.GetProperty("margin").GetString(), Is.EqualTo("estimate: needs 250.00, has 900.12"));
    }

    [TestCase("buy", "52500.1", "a buy may pay at most 52,500.0 now")]
    [TestCase("sell", "47499.9", "a sell may take at least 47,500.0 now")]
    public async Task A_price_outside_the_band_is_told_the_bound(string side, string price, string bound)
    {
        await Run($"tx order place BTC-PERP {side} --quantity 0.01 --price {price} --dry-run --from alice");
        Assert.That(_run.Out, Does.Contain($"too far beyond the index price 50,000.0: {bound}"));
        _node.Outcome = sent => ((uint)ResultCode.PriceOutsideBand, new V1.TransactionResult
        {
            Operations = { new V1.OperationResult { Code = (uint)ResultCode.PriceOutsideBand } },
        }, []);
        await Run($"tx order place BTC-PERP {side} --quantity 0.01 --price {price} --wait --from alice");
        Assert.That(_run.Out, Does.Contain(bound));
        decimal inside = decimal.Parse(price, CultureInfo.InvariantCulture) + (side == "buy" ? -0.1m : 0.1m);
        await Run(string.Create(
            CultureInfo.InvariantCulture,
            $"tx order place BTC-PERP {side} --quantity 0.01 --price {inside} --dry-run --from alice"));
        Assert.That(_run.Out, Does.Contain("estimate: needs"));
    }

    [Test]
    public async Task Dry_run_needs_no_node_when_everything_is_given()
    {
        _node.Dispose();
        int code = await Run(
            "tx order place 1 buy --lots 5 --ticks 7 --nonce 1 --expiry-height 9 --chain-id c --dry-run --from alice");
        Assert.That(code, Is.Zero, _run.Error);
        Assert.That(
            _run.Out, Does.Contain("buy 5 lots of market 1 at 7 ticks").And.Contain("not estimated: no node at"));
    }

    [Test]
    public async Task Transaction_that_does_not_come_into_a_block_is_reported_after_the_wait()
    {
        int code = await Run("tx withdraw 1 --to bank --wait --wait-seconds 0 --from alice");
        Assert.That(code, Is.EqualTo(ExitCode.Refused));
        Assert.That(_run.Error, Does.Contain("not in a block after 0 s; it may still come until height 141"));
    }

    [Test]
    public async Task Encrypted_key_signs_with_the_passphrase()
    {
        string passphrase = _run.WriteFile("passphrase", "secret");
        await _run.Run("keys", "add", "safe", "--passphrase-file", passphrase);
        Assert.That(
            await Run($"tx withdraw 1 --to bank --from safe --passphrase-file {passphrase}"), Is.Zero, _run.Error);
        Assert.That(_node.LastTransaction().Operations[0].Kind, Is.EqualTo(OperationKind.Withdraw));
    }

    private static JsonNode Event(string kind, params (string Key, string Value)[] attributes) => new JsonObject
    {
        ["type"] = $"appchain.v1.{kind}",
        ["attributes"] = new JsonArray([.. attributes.Select(one =>
            new JsonObject { ["key"] = one.Key, ["value"] = one.Value, ["index"] = true })]),
    };
}
