using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

/// <summary>Verbs and queries of vault, treasury and councils.</summary>
[TestFixture]
public sealed class VaultCommandsTests
{
    private const string Deposit = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const ulong Time = 1_760_000_000_000_000_000;

    private CommandRun _run = null!;
    private FakeNode _node = null!;

    [SetUp]
    public async Task Start()
    {
        _run = new CommandRun();
        _node = new FakeNode { Answer = (path, _, _) => Answer(path) };
        _run.Variables["APPCHAIN_NODE"] = _node.Url;
        await _run.Run("keys", "add", "gina", "--unencrypted");
        await _run.Run("keys", "add", "bob", "--unencrypted");
    }

    [TearDown]
    public void Stop()
    {
        _node.Dispose();
        _run.Dispose();
    }

    [TestCase("vault cancel 7", OperationKind.CancelWithdrawal, 7)]
    [TestCase("vault veto 8", OperationKind.VetoWithdrawal, 8)]
    [TestCase("proposal approve 9", OperationKind.ApproveProposal, 9)]
    [TestCase("proposal veto 10", OperationKind.VetoProposal, 10)]
    [TestCase("proposal cancel 11", OperationKind.CancelProposal, 11)]
    public async Task Votes_name_a_number(string line, OperationKind kind, int number)
    {
        Assert.That(await Tx(line), Is.Zero, _run.Error);
        Operation sent = _node.LastTransaction().Operations[0];
        Assert.That((sent.Kind, ((NumberedTarget)sent.Content!).Id), Is.EqualTo((kind, (ulong)number)));
    }

    [Test]
    public async Task A_guardian_attests_a_deposit()
    {
        Assert.That(await Tx($"vault attest {Deposit} 12.5 --to bob/3"), Is.Zero, _run.Error);
        var content = (DepositAttestation)_node.LastTransaction().Operations[0].Content!;
        Assert.That(Convert.ToHexStringLower(content.DepositId.ToArray()), Is.EqualTo(Deposit));
        Assert.That((content.Amount, content.Recipient.Subaccount), Is.EqualTo((12_500_000L, 3u)));
    }

    [Test]
    public async Task A_treasurer_proposes_payments()
    {
        Assert.That(await Tx("treasury spend 100 --to insurance-fund"), Is.Zero, _run.Error);
        var content = (TreasurySpend)_node.LastTransaction().Operations[0].Content!;
        Assert.That((content.Recipient, content.Amount), Is.EqualTo(((AccountId?)null, 100_000_000L)));
        Assert.That(await Tx("treasury spend 1 --to bob --note audit --dry-run"), Is.Zero, _run.Error);
        Assert.That(
            _run.Out, Does.Contain("propose pay 1.00 to app1").And.Contain("for \"audit\"").And.Contain("not sent"));
    }

    [Test]
    public async Task A_policy_is_printed_edited_and_proposed([Values("vault", "treasury")] string what)
    {
        Assert.That(await _run.Run("query", what, "--policy"), Is.Zero, _run.Error);
        string file = _run.WriteFile(
            "policy.json",
            _run.Out.Replace("\"timelock_seconds\": 30", "\"timelock_seconds\": 45", StringComparison.Ordinal));
        Assert.That(await Tx($"{what} propose {file}"), Is.Zero, _run.Error);
        IOperationContent content = _node.LastTransaction().Operations[0].Content!;
        CouncilTerms council = content is VaultPolicy vault ? vault.Council : ((TreasuryPolicy)content).Council;
        Assert.That((council.Members.Length, council.Threshold, council.TimelockSeconds), Is.EqualTo((2, 2, 45L)));
        Assert.That(
            content is not VaultPolicy policy || policy.Terms == VaultQueries.Terms((V1.VaultResponse)Answer("/vault")!)
            || policy.Terms.Tiers.SequenceEqual(VaultQueries.Terms((V1.VaultResponse)Answer("/vault")!).Tiers));
    }

    [Test]
    public async Task Withdrawals_and_proposals_are_told_their_numbers()
    {
        _node.Outcome = _ => (0, new V1.TransactionResult { Operations = { new V1.OperationResult() } },
            [Event("WithdrawalRequested", ("withdrawal_id", "12"), ("amount", "5000000"))]);
        Assert.That(await Tx("withdraw 5 --to bank --wait"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(": withdrawal 12\n"));
        Assert.That(await Tx("withdraw 5 --to bank --wait --output json"), Is.Zero, _run.Error);
        using (JsonDocument json = JsonDocument.Parse(_run.Out))
        {
            JsonElement operation = json.RootElement.GetProperty("operations")[0];
            Assert.That(operation.GetProperty("withdrawal_id").GetString(), Is.EqualTo("12"));
        }

        _node.Outcome = _ => (0, new V1.TransactionResult { Operations = { new V1.OperationResult() } },
            [Event("ProposalOpened", ("proposal_id", "3"))]);
        Assert.That(await Tx("treasury spend 100 --to insurance-fund --wait"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(": proposal 3\n"));
    }

    // Two withdrawals and a refused one between them.
    [Test]
    public async Task Each_withdrawal_of_a_batch_is_told_its_own_number()
    {
        string file = _run.WriteFile("batch.json", """
            [{"op":"withdraw","amount":"1","to":"bank"},
             {"op":"withdraw","amount":"2","to":"bank"},
             {"op":"withdraw","amount":"3","to":"bank"}]
            """);
        _node.Outcome = _ => (0, new V1.TransactionResult
        {
            Operations =
            {
                new V1.OperationResult(), new V1.OperationResult { Code = (uint)ResultCode.TooManyWithdrawals },
                new V1.OperationResult(),
            },
        },
        [Event("WithdrawalRequested", ("withdrawal_id", "4")), Event("WithdrawalRequested", ("withdrawal_id", "5"))]);
        Assert.That(await Tx($"order batch {file} --wait"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Match("1.00.*: withdrawal 4\n").And.Match("3.00.*: withdrawal 5\n"));
    }

    [Test]
    public async Task Parameters_of_consensus_are_printed_edited_and_proposed()
    {
        Assert.That(await _run.Run("query", "consensus", "--policy"), Is.Zero, _run.Error);
        string file = _run.WriteFile("policy.json", _run.Out.Replace("4194304", "3000000", StringComparison.Ordinal));
        Assert.That(await Tx($"consensus propose {file}"), Is.Zero, _run.Error);
        Assert.That(
            _node.LastTransaction().Operations[0].Content,
            Is.EqualTo(new ConsensusParameters(3_000_000, 100_000, 172_800, 1_048_576)));
        Assert.That(await Tx($"consensus propose {file} --dry-run"), Is.Zero, _run.Error);
        Assert.That(
            _run.Out, Does.Contain("consensus parameters: blocks of at most 3000000 bytes, 1048576 of them evidence"));
        file = _run.WriteFile(
            "wrong.json",
            """{"block_bytes":"9","evidence_age_blocks":"1","evidence_age_seconds":1,"evidence_bytes":"0"}""");
        Assert.That(await Tx($"consensus propose {file}"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("evidence has at least 64 KiB of a block and leaves at least 1 MiB"));
    }

    [Test]
    public async Task Validators_are_printed_edited_and_proposed()
    {
        Assert.That(await _run.Run("query", "validators", "--policy"), Is.Zero, _run.Error);
        string changed = _run.Out.Replace(
            $"\"power\": \"10\"", "\"power\": \"12\"", StringComparison.Ordinal);
        string file = _run.WriteFile("powers.json", changed.Replace(
            "[", $$"""[{"public_key":"{{KeyOf(3)}}","power":1},""", StringComparison.Ordinal));
        Assert.That(await Tx($"validators propose {file}"), Is.Zero, _run.Error);
        var powers = (ValidatorPowers)_node.LastTransaction().Operations[0].Content!;
        Assert.That(
            powers.Changes.ToDictionary(
                change => Convert.ToBase64String(change.PublicKey.AsSpan()),
                change => (change.PowerBefore, change.Power)),
            Is.EqualTo(new Dictionary<string, (long, long)> { [KeyOf(1)] = (10, 12), [KeyOf(3)] = (0, 1) }));
        Assert.That(powers.Problem(), Is.Null, "in the order of the keys");
        Assert.That(await Tx($"validators propose {file} --dry-run"), Is.Zero, _run.Error);
        Assert.That(
            _run.Out,
            Does.Contain($"{KeyOf(1)} gets power 12 after 10").And.Contain($"{KeyOf(3)} joins with power 1"));
    }

    [TestCase("""{"validators":[]}""", "1 to 32 validators change at once")]
    [TestCase("""{"validators":[{"public_key":"AAAA","power":1}]}""", "'AAAA' is no Ed25519 key of 32 bytes in base64")]
    [TestCase(
        """{"validators":[{"public_key":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","power":1}]}""",
        "is no Ed25519 key")]
    [TestCase("""{"validators":[{"power":1}]}""", "policy.validators[0].public_key: missing")]
    public async Task A_file_of_validators_says_what_is_wrong_with_it(string json, string problem)
    {
        Assert.That(
            await Tx($"validators propose {_run.WriteFile("wrong.json", json)}"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain(problem));
    }

    private static string KeyOf(byte seed) => Convert.ToBase64String(
        SoftwareKey.FromSeed([.. Enumerable.Repeat(seed, 32)]).PublicKey.Span);

    [TestCase("vault attest 12 5 --to bob", "is not 64 digits of hex")]
    [TestCase("vault cancel first", "withdrawal 'first' is not a whole number above zero")]
    [TestCase("treasury spend 1 --to zoe", "no key 'zoe'")]
    [TestCase("vault propose {}", "guardians: missing; begin with `appchain query vault --policy`")]
    [TestCase("vault propose nonsense", "begin with `appchain query vault --policy`")]
    [TestCase("vault", "`appchain tx vault` needs a verb; it has attest, cancel, veto, propose")]
    public async Task A_mistake_says_what_would_be_right(string line, string message)
    {
        if (line.StartsWith("vault propose ", StringComparison.Ordinal))
        {
            line = $"vault propose {_run.WriteFile("policy.json", line["vault propose ".Length..])}";
        }

        Assert.That(await Tx(line), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain(message));
    }

    [TestCase("vault", "at most 50.00 in 24 h")]
    [TestCase("vault --owner bob", "left in 24 h")]
    [TestCase("withdrawals", "bank")]
    [TestCase("withdrawals --owner bob --id 7", "releasable")]
    [TestCase("release 7", "02ab")]
    [TestCase("deposits", "pending until 2025-10-09")]
    [TestCase("council guardians", "2 of 2 agree, 1 veto, timelock 30 s; version 3")]
    [TestCase("proposals --council treasurers", "pay 5.00 to the insurance fund")]
    [TestCase("treasury", "balance  7.00")]
    [TestCase("consensus", "at most 4194304 bytes")]
    [TestCase("validators", "000102030405060708090A0B0C0D0E0F10111213")]
    public async Task Queries_answer_in_text_and_in_json(string line, string shown)
    {
        Assert.That(await _run.Run(["query", .. line.Split(' ')]), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(shown));
        Assert.That(await _run.Run(["query", .. line.Split(' '), "--output", "json"]), Is.Zero, _run.Error);
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.EnumerateObject().Any(), Is.True);
    }

    private static JsonNode Event(string type, params (string Key, string Value)[] attributes) => new JsonObject
    {
        ["type"] = "appchain.v1." + type,
        ["attributes"] = new JsonArray(
            [.. attributes.Select(one => new JsonObject { ["key"] = one.Key, ["value"] = one.Value })]),
    };

    private Task<int> Tx(string line) => _run.Run(["tx", .. line.Split(' '), "--from", "gina"]);

    private static V1.CouncilMember Member(byte secret)
    {
        byte[] key = Secp256k1.PublicKeyOf([.. new byte[31], secret]);
        return new V1.CouncilMember
        {
            Address = AccountText.Of(TransactionCodec.AddressOf(key)),
            PublicKey = Convert.ToHexStringLower(key),
        };
    }

    private static IMessage? Answer(string path) => path switch
    {
        "/vault" => new V1.VaultResponse
        {
            Tiers = { new V1.TimelockStep { AmountFrom = "0", Seconds = 10 } },
            OwnerCap = "50000000",
            TotalCap = "90000000",
            ReleaseExpirySeconds = 600,
            Waiting = "1",
            Admitted = "2",
            Net = "3",
        },
        "/council" => new V1.CouncilResponse
        {
            Version = 3,
            Members = { Member(1), Member(2) },
            Threshold = 2,
            VetoThreshold = 1,
            TimelockSeconds = 30,
        },
        "/treasury" => new V1.TreasuryResponse { Balance = "7000000", EpochLimit = "9000000", Spent = "0" },
        "/consensus" => new V1.ConsensusResponse
        {
            BlockBytes = 4_194_304, EvidenceAgeBlocks = 100_000, EvidenceAgeSeconds = 172_800,
            EvidenceBytes = 1_048_576, FromHeight = 1,
        },
        "/validators" => new V1.ValidatorsResponse
        {
            Sets =
            {
                new V1.ValidatorSet
                {
                    FromHeight = 1,
                    Validators =
                    {
                        new V1.ValidatorInfo
                        {
                            Address = "000102030405060708090A0B0C0D0E0F10111213", PublicKey = KeyOf(1), Power = 10,
                        },
                        new V1.ValidatorInfo
                        {
                            Address = "100102030405060708090A0B0C0D0E0F10111213", PublicKey = KeyOf(2), Power = 9,
                        },
                    },
                },
            },
        },
        "/withdrawals" => new V1.WithdrawalsResponse
        {
            Withdrawals =
            {
                new V1.Withdrawal
                {
                    WithdrawalId = 7, Account = "app1x/0", Amount = "5000000", Destination = "62616e6b",
                    State = V1.WithdrawalState.Releasable, DueTime = Time,
                },
            },
        },
        "/release" => new V1.ReleaseResponse
        {
            ChainId = "c", WithdrawalId = 7, Amount = "5", Destination = "62616e6b",
            Signatures = { new V1.GuardianSignature { PublicKey = "02ab", Signature = "00" } },
        },
        "/deposits" => new V1.DepositsResponse
        {
            Deposits = { new V1.Deposit { DepositId = Deposit, Account = "app1x/0", Amount = "5", Expires = Time } },
        },
        "/proposals" => new V1.ProposalsResponse
        {
            Proposals =
            {
                new V1.CouncilProposal
                {
                    ProposalId = 4, Council = V1.Council.Treasurers, State = V1.ProposalState.Open, DueTime = Time,
                    Content = new V1.Proposal { TreasurySpend = new V1.TreasurySpend { Amount = 5_000_000 } },
                },
            },
        },
        _ => null,
    };
}
