using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

[TestFixture]
public sealed class QueryTests
{
    private const string Alice = "app1alice/0";

    private CommandRun _run = null!;
    private FakeNode _node = null!;

    [SetUp]
    public async Task Start()
    {
        _run = new CommandRun();
        _node = new FakeNode { Answer = (path, data, _) => Answer(path, data) };
        _run.Variables["APPCHAIN_NODE"] = _node.Url;
        await _run.Run("keys", "add", "alice", "--unencrypted");
    }

    [TearDown]
    public void Stop()
    {
        _node.Dispose();
        _run.Dispose();
    }

    [TestCase("markets", "BTC-PERP")]
    [TestCase("markets", "50,000.0")]
    [TestCase("market BTC-PERP", "50,000.0 ± 10.0")]
    [TestCase("market 1", "tick / lot      0.1 USD / 0.0001")]
    [TestCase("book BTC-PERP", "50,000.5")]
    [TestCase("account alice", "collateral          900.12")]
    [TestCase("account alice", "-0.25")]
    [TestCase("orders alice", "0.5 of 1")]
    [TestCase("fills", "2025-10-10 21:00:00.000")]
    [TestCase("oracle --market BTC-PERP", "index price  50,000.0 ± 10.0")]
    [TestCase("liquidations", "buy 0.25 BTC-PERP at 50,100.0, filled 0.1 BTC-PERP")]
    [TestCase("at-risk", "98.5%")]
    [TestCase("chain", "difference              0.00")]
    public async Task Numbers_are_shown_in_the_decimals_of_the_market(string line, string shown)
    {
        Assert.That(await _run.Run(["query", .. line.Split(' ')]), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(shown));
    }

    [TestCase("markets")]
    [TestCase("market BTC-PERP")]
    [TestCase("book BTC-PERP")]
    [TestCase("account alice")]
    [TestCase("orders alice")]
    [TestCase("fills")]
    [TestCase("oracle")]
    [TestCase("liquidations")]
    [TestCase("at-risk")]
    [TestCase("chain")]
    public async Task Every_query_answers_in_json_with_the_names_of_the_definition(string line)
    {
        Assert.That(await _run.Run(["query", .. line.Split(' '), "--output", "json"]), Is.Zero, _run.Error);
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.EnumerateObject().All(field => field.Name == field.Name.ToLowerInvariant()));
        Assert.That(json.RootElement.EnumerateObject().Any(), Is.True);
    }

    [TestCase("query account zoe", "no key 'zoe' in ", "it has alice")]
    [TestCase("query account app1zoe", "'app1zoe' is no account", "")]
    [TestCase("query", "`appchain query` needs a verb; it has markets, market, book", "see `appchain query --help`")]
    [TestCase("query prices", "`appchain query` has no verb 'prices'; it has markets", "")]
    [TestCase("tx order", "`appchain tx order` needs a verb; it has place, cancel, cancel-all, replace, batch", "")]
    [TestCase("foo", "`appchain` has no verb 'foo'; it has init, start, ", "")]
    public async Task A_mistake_says_what_there_is(string line, string message, string next)
    {
        Assert.That(await _run.Run(line.Split(' ')), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.StartWith("error: " + message).And.Contain(next));
    }

    [Test]
    public async Task Help_calls_the_program_by_its_name()
    {
        Assert.That(await _run.Run("query", "book", "--help"), Is.Zero);
        Assert.That(_run.Out, Does.Contain("appchain query book <market>"));
    }

    [Test]
    public async Task Fill_seen_from_the_maker_has_the_other_side_and_its_own_fee()
    {
        await _run.Run("query", "fills");
        Assert.That(_run.Out, Does.Contain("buy").And.Contain("taker").And.Contain("2.50"));
        _node.Answer = (path, _, _) => path == "/fills" ? Fills(_run.Home) : null;
        await _run.Run("query", "fills", "--account", "alice");
        Assert.That(_run.Out, Does.Contain("sell").And.Contain("maker").And.Contain("-0.50"));
    }

    [Test]
    public async Task What_is_not_there_ends_with_1_and_the_words_of_the_node()
    {
        _node.Answer = null;
        Assert.That(await _run.Run("query", "orders", "alice"), Is.EqualTo(ExitCode.Refused));
        Assert.That(_run.Error.Trim(), Is.EqualTo("error: nothing at /orders"));
        Assert.That(await _run.Run("query", "tx", new string('A', 64)), Is.EqualTo(ExitCode.Refused));
        Assert.That(_run.Error, Does.Contain("no block has it"));
        Assert.That(await _run.Run("query", "tx", "A"), Is.EqualTo(ExitCode.Usage));
        Assert.That(await _run.Run("query", "market", "XYZ"), Is.EqualTo(ExitCode.Usage));
        Assert.That(await _run.Run("query", "book", "BTC-PERP", "--node", "nonsense"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("'nonsense' is not a URL"));
    }

    private static V1.FillsResponse Fills(string home)
    {
        new KeyStore(System.IO.Path.Combine(home, "keys")).TryLoad("alice", out KeyFile? key);
        V1.FillsResponse fills = Fills();
        fills.Fills[0].Fill.Maker = $"{AccountText.Of(key!.Owner)}/0";
        return fills;
    }

    private static V1.FillsResponse Fills() => new()
    {
        Fills =
        {
            new V1.RecordedFill
            {
                Height = 41,
                Time = 1_760_130_000_000_000_000,
                Fill = new V1.Fill
                {
                    Market = 1, Taker = "t/0", Maker = "m/0", Side = V1.Side.Buy, Price = 500_005, Quantity = 1_000,
                    TakerFee = "2500000", MakerFee = "-500000",
                },
            },
        },
    };

    private IMessage? Answer(string path, byte[] data)
    {
        switch (path)
        {
            case "/book":
                Assert.That(V1.BookRequest.Parser.ParseFrom(data).Depth, Is.EqualTo(10));
                return new V1.BookResponse
                {
                    Market = 1,
                    Bids = { new V1.BookLevel { Price = 499_995, Quantity = 10_000, Orders = 2 } },
                    Asks = { new V1.BookLevel { Price = 500_005, Quantity = 2_500, Orders = 1 } },
                };
            case "/account":
                Assert.That(
                    V1.AccountRequest.Parser.ParseFrom(data).Account, Does.StartWith("app1").And.EndsWith("/0"));
                V1.AccountResponse account = _node.Account.Clone();
                account.Positions.Add(new V1.Position
                {
                    Market = 1, Size = -2_500, EntryNotional = "-12500000000", EntryPrice = 500_000,
                    UnrealizedProfit = "0", FundingOwed = "-1", MaintenanceMargin = "312500000",
                });
                return account;
            case "/orders":
                return new V1.OrdersResponse
                {
                    Orders =
                    {
                        new V1.Order
                        {
                            OrderId = 3, Market = 1, Side = V1.Side.Sell, Price = 510_000, Quantity = 5_000,
                            OriginalQuantity = 10_000, GoodTilHeight = 90,
                        },
                    },
                };
            case "/fills":
                return Fills();
            case "/oracle":
                return new V1.OracleResponse
                {
                    Markets =
                    {
                        new V1.OracleMarket
                        {
                            Market = 1, State = V1.OracleState.Live, Price = 500_000, Confidence = 100, Variance = "0",
                            Reports = { new V1.OracleReport { Validator = "AB", Price = 500_000 } },
                        },
                    },
                };
            case "/liquidations":
                return new V1.LiquidationsResponse
                {
                    Steps =
                    {
                        new V1.RecordedLiquidation
                        {
                            Height = 7,
                            Slice = new V1.LiquidationSlice
                            {
                                Account = Alice, Market = 1, Side = V1.Side.Buy, Price = 501_000, Quantity = 2_500,
                                BankruptcyPrice = "502000", Filled = 1_000,
                            },
                        },
                    },
                };
            case "/accounts-at-risk":
                return new V1.AccountsAtRiskResponse
                {
                    Accounts =
                    {
                        new V1.AccountAtRisk
                        {
                            Account = Alice, EquityHigh = "100", MaintenanceMargin = "98", UsedPpm = 985_000,
                            Notional = "1",
                        },
                    },
                };
            case "/chain":
                return new V1.ChainResponse
                {
                    ChainId = FakeNode.ChainId, Height = 41, Held = "3", Claims = "1", InsuranceFund = "1", Fees = "1",
                    Leaving = "0", Difference = "0",
                };
            default:
                return null;
        }
    }
}
