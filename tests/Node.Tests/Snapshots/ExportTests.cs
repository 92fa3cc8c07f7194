using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.Node.Tests.Cli;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using NUnit.Framework;
using static AppChain.Node.Tests.TestNetwork;
using Side = AppChain.StateMachine.Side;

namespace AppChain.Node.Tests;

/// <summary>Export of a height to a genesis document, and rollback by one height.</summary>
[TestFixture]
public sealed class ExportTests
{
    private readonly List<string> _directories = [];
    private TestNetwork _network = null!;

    [SetUp]
    public void Trade()
    {
        _network = new TestNetwork(NewDirectory);
        Step(20);
    }

    [TearDown]
    public void RemoveDirectories()
    {
        _network.Dispose();
        _directories.ForEach(directory => Directory.Delete(directory, true));
        _directories.Clear();
    }

    // G4, G5
    [Test]
    public void A_chain_that_starts_from_an_export_has_the_same_accounts_positions_and_orders_and_trades_on(
        [Values] bool newest)
    {
        long height = newest ? 20 : 13;
        string[] expected = newest ? Answers(_network.Validators[1].Application) : [];
        TestValidator first = _network.Validators[0];
        first.Application.Dispose();
        byte[] document = StateCommands.Export(first.Directory, height, "{}", out Exchange exported);
        Assert.That(exported.Height, Is.EqualTo(height));
        RequestInitChain genesis = GenesisOf(document);
        Assert.That(genesis.InitialHeight, Is.EqualTo(height + 1));
        Assert.That(genesis.Validators, Has.Count.EqualTo(4));

        using var chain = new SingleChain(genesis, NewDirectory());
        if (newest)
        {
            chain.Step();
            Assert.That(Answers(chain.Application), Is.EqualTo(expected));
        }

        // The nonce of block 5 stays used; a new transaction trades.
        ByteString old = _network.Sign("alice", 5, Order(Side.Sell, 5, 500_000));
        ByteString sell = _network.Sign("alice", 900, Order(Side.Sell, 7, 500_000));
        ByteString buy = _network.Sign("bob", 900, Order(Side.Buy, 7, 500_000));
        ResponseFinalizeBlock block = chain.Step(old, sell, buy);
        Assert.That(block.TxResults[0].Code, Is.EqualTo((uint)ResultCode.NonceUsed));
        Assert.That(block.TxResults[1].Code, Is.Zero, block.TxResults[1].Log);
        Assert.That(block.TxResults[2].Code, Is.Zero, block.TxResults[2].Log);
        chain.Restart();
        chain.Step();
        first.Application = new Node.Application(new ChainStore(first.Directory), first.Feed, true, NodeLog.Silent);
    }

    // G4
    [Test]
    public void What_is_no_export_is_refused_by_its_place()
    {
        _network.Validators[0].Application.Dispose();
        byte[] document = StateCommands.Export(_network.Validators[0].Directory, 0, "{}", out _);
        RequestInitChain genesis = GenesisOf(document);
        string state = genesis.AppStateBytes.ToStringUtf8();
        AssertRefused(genesis, state, "initial_height", g => g.InitialHeight++);
        AssertRefused(genesis, state, "genesis_time", g => g.Time = WireTime.FromNanoseconds(GenesisTime));
        AssertRefused(genesis, "{\"rows\":[]}", "not the rows of a chain");
        AssertRefused(genesis, "{\"rows\":{}}", "rows are a list");
        AssertRefused(genesis, "{\"rows\":[],\"markets\":[]}", "nothing else may stand beside them");
        AssertRefused(genesis, "{\"rows\":[[\"AQ==\"]]}", "app_state.rows[0]: expected a key and a value");
        AssertRefused(genesis, "{\"rows\":[[\"AQ==\",5]]}", "app_state.rows[0]: expected base64");
        AssertRefused(genesis, "{\"rows\":[[\"AQ==\",\"\"]]}", "at least one byte");
        AssertRefused(
            genesis, "{\"rows\":[[\"Ag==\",\"AQ==\"],[\"AQ==\",\"AQ==\"]]}", "app_state.rows[1]: keys must ascend");
        AssertRefused(genesis, "{\"rows\":[[\"AQ==\",\"AQ==\"]]}", "not the rows of a chain");
        AssertRefused(genesis, "{\"rows\":", "not JSON");
        Reopen();
    }

    [Test]
    public void A_height_that_is_not_kept_is_refused_with_those_that_are()
    {
        _network.Validators[0].Application.Dispose();
        var refusal = Assert.Throws<StorageException>(
            () => StateCommands.Export(_network.Validators[0].Directory, 21, "{}", out _));
        Assert.That(refusal!.Message, Does.Contain("height 21 is not kept: choose one from").And.Contain("to 20"));
        Reopen();
    }

    [Test]
    public void A_rolled_back_node_executes_the_block_again_to_the_same_hash([Values] bool materialised)
    {
        TestValidator first = _network.Validators[0];
        byte[] hash = _network.AppHash;
        first.Application.Dispose();
        if (!materialised)
        {
            first.Application = new Node.Application(
                new ChainStore(first.Directory, false), first.Feed, true, NodeLog.Silent);
            Step(1);
            hash = _network.AppHash;
            first.Application.Dispose();
        }

        string snapshots = NewDirectory();
        Directory.CreateDirectory(Path.Combine(snapshots, "21"));
        Exchange now = StateCommands.Rollback(first.Directory, snapshots);
        Assert.That(now.Height, Is.EqualTo(_network.Height - 1));
        first.Application = new Node.Application(new ChainStore(first.Directory), first.Feed, true, NodeLog.Silent);
        ResponseInfo info = first.Application.Info(new RequestInfo());
        Assert.That(info.LastBlockHeight, Is.EqualTo(_network.Height - 1));
        Assert.That(info.LastBlockAppHash, Is.EqualTo(_network.LastBlock!.Value.AppHashBefore));
        Assert.That(
            first.Application.FinalizeBlock(_network.LastBlock.Value.Request).AppHash.ToByteArray(), Is.EqualTo(hash));
        first.Application.Commit(new RequestCommit());
        Step(3);
    }

    [Test]
    public void Many_heights_can_be_taken_back_one_by_one_but_not_the_first_block()
    {
        string directory = _network.Validators[0].Directory;
        _network.Validators[0].Application.Dispose();
        string snapshots = NewDirectory();
        for (long height = 19; height >= 1; height--)
        {
            Assert.That(StateCommands.Rollback(directory, snapshots).Height, Is.EqualTo(height));
        }

        var refusal = Assert.Throws<StorageException>(() => StateCommands.Rollback(directory, snapshots));
        Assert.That(refusal!.Message, Does.Contain("holds the first block only"));
        Reopen(height: 1);
    }

    [Test]
    public async Task The_verbs_work_on_a_home_and_say_what_is_wrong()
    {
        using var run = new CommandRun();
        string data = Path.Combine(run.Home, "data");
        string file = Path.Combine(run.Home, "genesis.json");
        await run.Run("init", "--home", run.Home);
        Assert.That(await run.Run("rollback", "--home", run.Home), Is.EqualTo(ExitCode.Usage));
        Assert.That(run.Error, Is.EqualTo($"error: {data} does not exist\n"));
        TestValidator first = _network.Validators[0];
        first.Application.Dispose();
        Directory.CreateDirectory(data);
        foreach (string from in Directory.GetFiles(first.Directory))
        {
            File.Copy(from, Path.Combine(data, Path.GetFileName(from)));
        }

        Assert.That(await run.Run("export", "--home", run.Home, "--height", "18", "--out", file), Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain("height 18, app hash "));
        Assert.That(GenesisOf(File.ReadAllBytes(file)).InitialHeight, Is.EqualTo(19));
        Assert.That(await run.Run("export", "--home", run.Home, "--out", file, "--genesis", file), Is.Zero, run.Error);
        Assert.That(
            await run.Run("export", "--home", run.Home, "--height", "99", "--out", file), Is.EqualTo(ExitCode.Usage));
        Assert.That(run.Error, Is.EqualTo("error: height 99 is not kept: choose one from 0 to 20\n"));
        Assert.That(await run.Run("rollback", "--home", run.Home), Is.Zero, run.Error);
        Assert.That(run.Out, Does.StartWith("height 19, app hash "));
        Reopen();
    }

    private void Reopen(long height = 20)
    {
        TestValidator first = _network.Validators[0];
        first.Application = new Node.Application(new ChainStore(first.Directory), first.Feed, true, NodeLog.Silent);
        Assert.That(first.Application.Height, Is.EqualTo(height));
    }

    private void Step(int blocks)
    {
        for (int i = 0; i < blocks; i++)
        {
            ulong nonce = (ulong)(_network.Height + 1);
            long price = 500_000 + (_network.Height * 7 % 90);
            _network.Step(
                _network.Sign("alice", nonce, Order(Side.Sell, 5, price + 30), Order(Side.Sell, 3, price)),
                _network.Sign("bob", nonce, Order(Side.Buy, 4, price), Order(Side.Buy, 2, price - 40)));
        }
    }

    // What a block without transactions does not move: mark prices do move.
    private string[] Answers(Node.Application application)
    {
        var answers = new List<string>();
        foreach (string owner in new[] { "alice", "bob" })
        {
            string account = AccountText.Of(TransactionCodec.AddressOf(Secp256k1.PublicKeyOf(_network.Keys[owner])));
            AccountResponse held = AccountResponse.Parser.ParseFrom(Ask(
                "/account", new AccountRequest { Account = account }));
            answers.Add($"{held.Collateral} {held.OpenOrders} {held.NonceHighest}");
            answers.AddRange(held.Positions.Select(
                position => $"{position.Market} {position.Size} {position.EntryNotional}"));
            answers.Add(OrdersResponse.Parser.ParseFrom(Ask(
                "/orders", new OrdersRequest { Account = account })).ToString());
        }

        return [.. answers];

        ByteString Ask(string path, IMessage request)
        {
            ResponseQuery answer = application.Query(new RequestQuery { Path = path, Data = request.ToByteString() });
            Assert.That(answer.Code, Is.Zero, answer.Log);
            return answer.Value;
        }
    }

    private static void AssertRefused(
        RequestInitChain genesis, string state, string words, Action<RequestInitChain>? change = null)
    {
        RequestInitChain copy = genesis.Clone();
        copy.AppStateBytes = ByteString.CopyFromUtf8(state);
        change?.Invoke(copy);
        string directory = Directory.CreateTempSubdirectory("appchain-export-").FullName;
        using (var application = new Node.Application(new ChainStore(directory), null, true, NodeLog.Silent))
        {
            Assert.That(
                Assert.Throws<GenesisException>(() => application.InitChain(copy))!.Message, Does.Contain(words));
        }

        Directory.Delete(directory, true);
    }

    // What an engine would make of the document.
    private static RequestInitChain GenesisOf(byte[] document)
    {
        using JsonDocument json = JsonDocument.Parse(document);
        JsonElement root = json.RootElement;
        DateTimeOffset time = root.GetProperty("genesis_time").GetDateTimeOffset();
        var genesis = new RequestInitChain
        {
            ChainId = root.GetProperty("chain_id").GetString(),
            InitialHeight = long.Parse(root.GetProperty("initial_height").GetString()!),
            Time = WireTime.FromNanoseconds(WireTime.ToNanoseconds(time)),
            AppStateBytes = ByteString.CopyFrom(Encoding.UTF8.GetBytes(root.GetProperty("app_state").GetRawText())),
        };
        foreach (JsonElement validator in root.GetProperty("validators").EnumerateArray())
        {
            genesis.Validators.Add(new Abci.Wire.ValidatorUpdate
            {
                PubKey = new Abci.Wire.Crypto.PublicKey
                {
                    Ed25519 = ByteString.FromBase64(validator.GetProperty("pub_key").GetProperty("value").GetString()),
                },
                Power = long.Parse(validator.GetProperty("power").GetString()!),
            });
        }

        return genesis;
    }

    private string NewDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("appchain-export-").FullName;
        _directories.Add(directory);
        return directory;
    }

    // One application driven through blocks as a node that is catching up: FinalizeBlock and Commit only.
    private sealed class SingleChain : IDisposable
    {
        private readonly string _directory;
        private long _height;
        private long _time;

        public SingleChain(RequestInitChain genesis, string directory)
        {
            _directory = directory;
            Application = new Node.Application(new ChainStore(directory), null, true, NodeLog.Silent);
            Application.InitChain(genesis);
            _height = genesis.InitialHeight - 1;
            _time = WireTime.ToNanoseconds(genesis.Time);
        }

        public Node.Application Application { get; private set; }

        public ResponseFinalizeBlock Step(params ByteString[] transactions)
        {
            var request = new RequestFinalizeBlock
            {
                Height = ++_height,
                Time = WireTime.FromNanoseconds(_time),
                Hash = ByteString.CopyFrom(BitConverter.GetBytes(_height)),
            };
            _time += Second;
            request.Txs.AddRange(transactions);
            ResponseFinalizeBlock block = Application.FinalizeBlock(request);
            Application.Commit(new RequestCommit());
            return block;
        }

        public void Restart()
        {
            Application.Dispose();
            Application = new Node.Application(new ChainStore(_directory), null, true, NodeLog.Silent);
            Assert.That(Application.Height, Is.EqualTo(_height));
        }

        public void Dispose() => Application.Dispose();
    }
}
