using System.Text.Json;
using System.Threading.Tasks;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

[TestFixture]
public sealed class StatusTests
{
    private CommandRun _run = null!;

    [SetUp]
    public void Start() => _run = new CommandRun();

    [TearDown]
    public void Stop() => _run.Dispose();

    [Test]
    public async Task A_node_tells_height_health_and_prices()
    {
        using FakeNode node = Answering();
        Assert.That(await _run.Run("status", "--node", node.Url), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain("41, in step with the chain").And.Contain("2 transactions, 400 bytes"));
        Assert.That(_run.Out, Does.Match("BTC-PERP +live +50,000.0 +10.0"));
    }

    [Test]
    public async Task Json_has_the_same()
    {
        using FakeNode node = Answering();
        Assert.That(await _run.Run("status", "--node", node.Url, "-o", "json"), Is.Zero, _run.Error);
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.GetProperty("height").GetInt64(), Is.EqualTo(41));
        Assert.That(json.RootElement.GetProperty("peers").GetInt64(), Is.EqualTo(3));
        Assert.That(
            json.RootElement.GetProperty("markets")[0].GetProperty("oracle_state").GetString(), Is.EqualTo("live"));
    }

    [Test]
    public async Task No_node_is_an_error_that_says_what_to_do()
    {
        Assert.That(await _run.Run("status", "--node", "http://127.0.0.1:1"), Is.EqualTo(ExitCode.Unreachable));
        Assert.That(_run.Error, Does.Contain("127.0.0.1:1").And.Contain("localnet"));
    }

    private static FakeNode Answering()
    {
        var node = new FakeNode();
        node.Results["abci_info"] = JsonNodeOf(
            """{"response":{"version":"1.2.3","data":"appchain","last_block_height":"41","last_block_app_hash":"AA=="}}""");
        node.Answer = (path, _, _) => path == "/chain"
            ? new V1.ChainResponse
            {
                ChainId = FakeNode.ChainId,
                Height = 41,
                AppHash = "AB",
                Held = "1000000",
                Difference = "0",
            }
            : null;
        return node;
    }

    private static System.Text.Json.Nodes.JsonNode JsonNodeOf(string text) =>
        System.Text.Json.Nodes.JsonNode.Parse(text)!;
}
