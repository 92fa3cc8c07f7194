using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Node.Tests.Cli;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>
/// VAULT-15: whatever a node says that trusted validators did not sign, a guardian does not sign either.
/// </summary>
[TestFixture]
public sealed class LyingNodeTests
{
    private const long Second = 1_000_000_000;

    private readonly long _now = WireTime.Now;
    private readonly byte[] _guardian = [.. Enumerable.Repeat((byte)7, 32)];
    private CommandRun _run = null!;
    private FakeNode _node = null!;

    private static AccountId Alice => new(new Address(Enumerable.Repeat((byte)5, 20).ToArray()), 0);

    [SetUp]
    public void Start()
    {
        _run = new CommandRun();
        _node = new FakeNode();
        _run.Variables["APPCHAIN_NODE"] = _node.Url;
        new KeyStore(Path.Combine(_run.Home, "keys")).Add("guardian1", KeyFile.InClear(_guardian));
        JsonNode genesis = JsonNode.Parse(new SignedState([]).Genesis(reversed: false))!;
        genesis["chain_id"] = FakeNode.ChainId;
        genesis["app_state"] = GenesisFile.Write(new GenesisState(GenesisFile.DefaultMarkets, [], 0));
        _run.WriteFile("genesis.json", genesis.ToJsonString());
    }

    [TearDown]
    public void Stop()
    {
        _node.Dispose();
        _run.Dispose();
    }

    private static string Time(long secondsAgo) => DateTime.UtcNow.AddSeconds(-secondsAgo)
        .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private WithdrawalRow Withdrawal => new()
    {
        Id = 1,
        Account = 3,
        State = WithdrawalState.Releasable,
        Amount = 250_000_000,
        Destination = [.. "iban-1"u8],
        RequestedTime = _now - (100 * Second),
        ReadyTime = _now - (90 * Second),
        DueTime = _now + (500 * Second),
        Sequence = 1,
        Expiry = _now + (500 * Second),
        CouncilVersion = 1,
        Signatures = [],
    };

    private List<RowChange> Rows(WithdrawalRow? row = null)
    {
        byte[] key = AppChain.Hsm.Secp256k1.PublicKeyOf(_guardian);
        var terms = new VaultTerms([new TimelockTier(0, 10)], 5_000_000_000, 9_000_000_000, 600);
        return
        [
            RowChange.Added<ulong, WithdrawalRow>(row ?? Withdrawal),
            RowChange.Added<uint, CouncilRow>(CouncilRow.Of(
                CouncilKind.Guardians, 1, new CouncilTerms([[.. key]], 1, 1, 30))),
            RowChange.Added<SingleKey, VaultRow>(new VaultRow { Terms = terms, Base = terms }),
            RowChange.Added<AccountId, AccountRow>(new AccountRow { Id = Alice, Number = 3 }),
            RowChange.Added<Address, FlowRow>(new FlowRow { Owner = Alice.Owner, Open = 1, Admitted = 250_000_000 }),
            RowChange.Added<Address, FlowRow>(new FlowRow { Open = 1, Admitted = 250_000_000 }),
            RowChange.Added<SingleKey, PoolRow>(new PoolRow { Held = 250_000_000, Leaving = 250_000_000 }),
            RowChange.Added<SingleKey, ChainRow>(
                new ChainRow
                {
                    ChainId = FakeNode.ChainId,
                    Height = SignedState.Height,
                    Time = _now,
                    InitialHeight = 1,
                }),
            .. GenesisFile.DefaultMarkets.Select(market => RowChange.Added<uint, MarketRow>(
                new MarketRow { Parameters = market, OpenInterest = market.MarketId == 2 ? 5 : 0 })),
            RowChange.Added<uint, OracleRow>(new OracleRow { Market = 2, State = OracleState.Live }),
        ];
    }

    // What the node says of the withdrawal beside the proofs.
    private void Serve(
        SignedState state, Func<string, V1.ProofResponse, V1.ProofResponse?>? lie = null, string? account = null)
    {
        state.ServeFrom(_node);
        _node.Answer = (path, data, height) =>
        {
            IMessage? answer = state.Answer(path, data, height);
            return path switch
            {
                "/withdrawals" => new V1.WithdrawalsResponse
                {
                    Withdrawals =
                    {
                        new V1.Withdrawal
                        {
                            WithdrawalId = 1, Account = account ?? AccountText.Of(Alice), Amount = "250000000",
                            Destination = "6162", State = V1.WithdrawalState.Releasable,
                        },
                    },
                },
                "/chain" => new V1.ChainResponse { ChainId = FakeNode.ChainId, Height = (ulong)SignedState.Height },
                "/proof" when lie is not null => lie($"{(RowKind)data[2]}", (V1.ProofResponse)answer!),
                _ => answer,
            };
        };
    }

    private Task<int> Guard(params string[] more) =>
        _run.Run(["guardian", "--from", "guardian1", "--once", "--yes", .. more]);

    [Test]
    public async Task What_is_proven_is_shown_and_signed()
    {
        Serve(new SignedState(Rows(), time: Time(1)));
        Assert.That(await Guard(), Is.EqualTo(ExitCode.Ok), _run.Error);
        // The list said "ab": what is shown and signed is the row.
        Assert.That(
            _run.Out,
            Does.Contain("withdrawal 1: pay 250.00 USD to iban-1, for app1").And.Contain("believes 4 validators"));
        var signed = (ReleaseSignature)_node.LastTransaction().Operations[0].Content!;
        Assert.That(signed.Release, Is.EqualTo(Withdrawal.Release).Using<Release>((a, b) => a.Matches(b)));
    }

    [TestCase("Withdrawal")]
    [TestCase("Council")]
    [TestCase("Vault")]
    [TestCase("Account")]
    [TestCase("Flow")]
    [TestCase("Pool")]
    [TestCase("Chain")]
    [TestCase("Market")]
    [TestCase("Oracle")]
    public async Task A_row_that_is_altered_or_hidden_is_found(string kind)
    {
        var state = new SignedState(Rows(), time: Time(1));
        Serve(state, (asked, answer) =>
        {
            if (asked == kind && answer.Exists)
            {
                byte[] value = answer.Value.ToByteArray();
                value[^1] ^= 1;
                answer.Value = ByteString.CopyFrom(value);
            }

            return answer;
        });
        await NothingIsSigned("does not prove what it says: its proof of the " + kind);

        Serve(state, (asked, answer) =>
        {
            answer.Exists = answer.Exists && asked != kind;
            return answer;
        });
        await NothingIsSigned("does not prove what it says: its proof of the " + kind);
    }

    [Test]
    public async Task A_state_of_its_own_that_no_validator_signed_is_found()
    {
        WithdrawalRow stolen = Withdrawal with { Destination = [.. "thief"u8] };
        Serve(new SignedState(Rows(stolen), seeds: [11, 12, 13, 14], time: Time(1)));
        await NothingIsSigned("other validators signed the header");
        Serve(new SignedState(Rows(stolen), seeds: [1, 2, 13, 14], signers: 4, time: Time(1)));
        await NothingIsSigned("only 20 of 40 power of the trusted ones");
        Serve(new SignedState(Rows(stolen), seeds: [1, 1, 1], powers: [10, 10, 10], time: Time(1)));
        await NothingIsSigned("only 10 of 40 power of the trusted ones");
        Serve(new SignedState(Rows(stolen), signers: 2, time: Time(1)));
        await NothingIsSigned("only 20 of 40 power signed the block");
    }

    [Test]
    public async Task An_old_state_is_found()
    {
        Serve(new SignedState(Rows(), time: Time(61)));
        await NothingIsSigned("s old by this machine's clock");
        Serve(new SignedState(Rows(), time: Time(-65)));
        await NothingIsSigned("s old by this machine's clock");
    }

    [Test]
    public async Task The_account_of_another_withdrawal_is_found()
    {
        Serve(new SignedState(Rows(), time: Time(1)), account: AccountText.Of(new AccountId(default, 1)));
        await NothingIsSigned("the account of withdrawal 1 is not");
    }

    [Test]
    public async Task Without_a_genesis_it_believes_nobody()
    {
        Serve(new SignedState(Rows(), time: Time(1)));
        File.Move(Path.Combine(_run.Home, "genesis.json"), Path.Combine(_run.Home, "other.json"));
        Assert.That(await Guard(), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("give --genesis FILE"));
        Assert.That(
            await Guard("--genesis", Path.Combine(_run.Home, "other.json")), Is.EqualTo(ExitCode.Ok), _run.Error);
    }

    [Test]
    public async Task The_validators_of_today_may_be_named()
    {
        var state = new SignedState(Rows(), seeds: [11, 12, 13, 14], time: Time(1));
        Serve(state);
        string today = _run.WriteFile("validators.json", state.Genesis(reversed: true));
        Assert.That(await Guard("--validators", today), Is.EqualTo(ExitCode.Ok), _run.Error);
    }

    [Test]
    public void Validators_are_followed_as_they_sign_for_their_successors()
    {
        var trusted = new TrustedValidators(FakeNode.ChainId, new SignedState([]).Validators);
        Assert.That(
            Refuse(trusted, new SignedState([], seeds: [1, 2, 3], powers: [10, 10, 10])), Is.Null, "one has left");
        Assert.That(
            Refuse(trusted, new SignedState([], seeds: [1, 2, 5], powers: [10, 10, 10])),
            Does.Contain("only 20 of 30"));
        Assert.That(Refuse(trusted, new SignedState([], seeds: [1, 2, 3, 5], signers: 4)), Is.Null, "one has come");
        Assert.That(Refuse(trusted, new SignedState([], seeds: [1, 3, 5], powers: [10, 10, 10])), Is.Null);
        Assert.That(
            Refuse(trusted, new SignedState([], seeds: [1, 2, 3, 4], signers: 4)), Does.Contain("only 20 of 30"));
        Assert.That(
            new TrustedValidators("other", trusted.Validators).Refuse(new Abci.Wire.Types.Header(), new(), []),
            Does.Contain("of the chain ''"));
        var later = new SignedState([], seeds: [1, 3, 5], powers: [10, 10, 10]);
        Abci.Wire.Types.Header earlier = later.Header.Clone();
        earlier.Height--;
        Assert.That(trusted.Refuse(earlier, later.Commit, later.Validators), Does.Contain("it has shown 41 before"));
    }

    private static string? Refuse(TrustedValidators trusted, SignedState state) =>
        trusted.Refuse(state.Header, state.Commit, state.Validators);

    private async Task NothingIsSigned(string why)
    {
        Assert.That(await Guard(), Is.EqualTo(ExitCode.Refused), _run.Out);
        Assert.That(_run.Error, Does.Contain(why));
        Assert.That(_node.Received, Is.Empty);
        Assert.That(Directory.EnumerateFiles(_run.Home, "guardian-*.jsonl"), Is.Empty);
    }
}
