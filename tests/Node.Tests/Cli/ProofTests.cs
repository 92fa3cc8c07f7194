using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;
using Validator = AppChain.Abci.Wire.Types.Validator;

namespace AppChain.Node.Tests.Cli;

/// <summary>State proofs from a node to a file, and from a file to a verdict without a node.</summary>
[TestFixture]
public sealed class ProofTests
{
    private const long Height = SignedState.Height;

    private CommandRun _run = null!;
    private FakeNode _node = null!;
    private SignedState _state = null!;

    [SetUp]
    public async Task Start()
    {
        _run = new CommandRun();
        _node = new FakeNode();
        _run.Variables["APPCHAIN_NODE"] = _node.Url;
        await _run.Run("keys", "add", "alice", "--unencrypted");
        new KeyStore(System.IO.Path.Combine(_run.Home, "keys")).TryLoad("alice", out KeyFile? alice);
        _state = State(alice!.Owner);
        _state.ServeFrom(_node);
    }

    [TearDown]
    public void Stop()
    {
        _node.Dispose();
        _run.Dispose();
    }

    private static SignedState State(Address owner, long[]? powers = null, int signers = 3) => new(
        [
            RowChange.Added<AccountId, AccountRow>(
                new AccountRow { Id = new AccountId(owner, 0), Number = 3, Collateral = 1_234_500_000 }),
            RowChange.Added<PositionKey, PositionRow>(new PositionRow { Account = 3, Market = 1, Size = -25 }),
            RowChange.Added<SingleKey, PoolRow>(
                new PoolRow { Held = 6_000_000, Claims = 1_000_000, InsuranceFund = 5_000_000 }),
        ],
        powers, signers);

    private string File => System.IO.Path.Combine(_run.Home, "proof.json");

    [TestCase("account alice", "collateral  +1,234.50")]
    [TestCase("position alice BTC-PERP", "size  +-25 lots")]
    [TestCase("pool", "insurance fund  +5.00")]
    [TestCase("order 77", "no such row was in the state")]
    public async Task Proof_of_a_row_or_of_its_absence_convinces_without_a_node(string row, string shown)
    {
        int code = await _run.Run(["query", "proof", .. row.Split(' '), "--out", File]);
        Assert.That(code, Is.Zero, _run.Error);
        _node.Dispose();
        Assert.That(
            await _run.Run("verify-proof", File, "--validators-hash", _state.ValidatorsHash), Is.Zero, _run.Out);
        Assert.That(
            _run.Out, Does.StartWith("proven: ").And.Match(shown).And.Match("signed by  +30 of 40 voting power"));
    }

    [Test]
    public async Task Genesis_file_names_the_trusted_validators_in_any_order()
    {
        await _run.Run("query", "proof", "pool", "--out", File);
        string genesis = _run.WriteFile("genesis.json", _state.Genesis(reversed: true));
        Assert.That(await _run.Run("verify-proof", File, "--validators", genesis), Is.Zero, _run.Out + _run.Error);
        Assert.That(
            await _run.Run("verify-proof", File, "--validators", genesis, "--chain-id", "other"), Is.EqualTo(1));
        Assert.That(_run.Out, Does.Contain("it is of the chain 'test-cli-1', not 'other'"));
    }

    [Test]
    public async Task Other_validators_are_not_trusted()
    {
        await _run.Run("query", "proof", "pool", "--out", File);
        Assert.That(await _run.Run("verify-proof", File, "--validators-hash", new string('A', 64)), Is.EqualTo(1));
        Assert.That(_run.Out, Does.StartWith("NOT PROVEN: ").And.Contain("which are not the trusted ones"));
        Assert.That(await _run.Run("verify-proof", File), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("say whose signatures you trust"));
    }

    [Test]
    public async Task Two_thirds_exactly_do_not_suffice()
    {
        _state = State(default, powers: [1, 1, 1], signers: 2);
        _state.ServeFrom(_node);
        Assert.That(await _run.Run("query", "proof", "pool", "--out", File), Is.EqualTo(ExitCode.Refused));
        Assert.That(_run.Error, Does.Contain("only 2 of 3 power signed the block"));
    }

    [TestCase("value", "the proof does not lead from the row to the app hash")]
    [TestCase("proof", "the proof")]
    [TestCase("key", "the proof does not lead from the row to the app hash")]
    [TestCase("height", "it must be the next one")]
    public async Task Damage_to_the_row_or_its_proof_is_found(string field, string fault)
    {
        await _run.Run("query", "proof", "pool", "--out", File);
        JsonNode proof = JsonNode.Parse(System.IO.File.ReadAllText(File))!;
        string text = (string)proof[field]!;
        proof[field] = field == "height" ? "41" : (text[0] == '0' ? "1" : "0") + text[1..];
        System.IO.File.WriteAllText(File, proof.ToJsonString());
        Assert.That(await _run.Run("verify-proof", File, "--validators-hash", _state.ValidatorsHash), Is.EqualTo(1));
        Assert.That(_run.Out, Does.Contain(fault));
    }

    // Whoever alters any field of header, commit or validators must break a hash or a signature.
    [Test]
    public async Task Damage_to_header_commit_or_validators_is_found()
    {
        await _run.Run("query", "proof", "pool", "--out", File);
        string original = System.IO.File.ReadAllText(File);
        int altered = 0;
        foreach (string part in new[] { "header", "commit", "validators" })
        {
            foreach (string path in Leaves(JsonNode.Parse(original)![part]!))
            {
                JsonNode proof = JsonNode.Parse(original)!;
                if (!Alter(proof[part]!, path))
                {
                    continue;
                }

                System.IO.File.WriteAllText(File, proof.ToJsonString());
                int code = await _run.Run("verify-proof", File, "--validators-hash", _state.ValidatorsHash);
                Assert.That(code, Is.Not.Zero, $"{part}{path}: {_run.Out}");
                altered++;
            }
        }

        Assert.That(altered, Is.GreaterThan(40));
    }

    [TestCase("", "it is not JSON")]
    [TestCase("{}", "it does not say")]
    [TestCase("{\"format\":\"appchain-proof-1\",\"height\":\"x\"}", "'height' is not an integer")]
    [TestCase("[]", "it does not say")]
    public async Task What_is_no_proof_file_is_refused_with_the_reason(string content, string reason)
    {
        string path = _run.WriteFile("bad.json", content);
        Assert.That(await _run.Run("verify-proof", path, "--validators-hash", new string('0', 64)), Is.EqualTo(2));
        Assert.That(_run.Error, Does.Contain($"{path} is no proof").And.Contain(reason));
    }

    [Test]
    public async Task Output_as_json_is_the_proof_itself()
    {
        await _run.Run("query", "proof", "pool", "-o", "json");
        Assert.That(StateProofBundle.Parse(_run.Out).Height, Is.EqualTo(Height));
        _run.Input = _run.Out;
        Assert.That(
            await _run.Run("verify-proof", "-", "--validators-hash", _state.ValidatorsHash, "-o", "json"), Is.Zero);
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.GetProperty("valid").GetBoolean(), Is.True);
    }

    private static IEnumerable<string> Leaves(JsonNode node) => node switch
    {
        JsonObject item => item.Where(one => one.Value is not null)
            .SelectMany(one => Leaves(one.Value!).Select(rest => $"/{one.Key}{rest}")),
        JsonArray list => list.SelectMany((one, i) => Leaves(one!).Select(rest => $"/{i}{rest}")),
        _ => [""],
    };

    // Changes one character in the middle; false for fields that neither hash nor signature covers: priorities, and the
    // time of a validator who did not sign.
    private static bool Alter(JsonNode root, string path)
    {
        string[] steps = path[1..].Split('/');
        if (steps[^1] == "proposer_priority" || path.StartsWith("/signatures/3/"))
        {
            return false;
        }

        JsonNode parent = root;
        foreach (string step in steps[..^1])
        {
            parent = parent is JsonArray list ? list[int.Parse(step)]! : parent[step]!;
        }

        JsonNode leaf = parent[steps[^1]]!;
        string text = leaf.ToString();
        if (text.Length == 0)
        {
            return false;
        }

        int at = text.Length / 2;
        char other = text[at] == '1' ? '2' : '1';
        string changed = text[..at] + other + text[(at + 1)..];
        parent[steps[^1]] = leaf.GetValueKind() == JsonValueKind.Number ? int.Parse(changed) : changed;
        return true;
    }
}
