using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;
using Operation = AppChain.StateMachine.Operation;
using Side = AppChain.StateMachine.Side;
using Validator = AppChain.Abci.Wire.Validator;

namespace AppChain.Node.Tests;

internal sealed class TestValidator
{
    public required byte[] SecretKey { get; init; }

    public required byte[] PublicKey { get; init; }

    public required byte[] Address { get; init; }

    public required PriceFeed Feed { get; init; }

    public required Node.Application Application { get; set; }

    public required string Directory { get; init; }
}

/// <summary>Applications driven by hand as consensus would: proposal, votes with extensions, block, commit.</summary>
internal sealed class TestNetwork : IDisposable
{
    public const string ChainId = "test-node-1";
    public const long Second = 1_000_000_000;
    public const long GenesisTime = 1_790_000_000L * Second;

    public List<TestValidator> Validators { get; } = [];

    /// <summary>Nodes that judge and execute every block and do not vote.</summary>
    public List<TestValidator> Followers { get; } = [];

    /// <summary>Retain heights of the last Commit, a validator each.</summary>
    public List<long> Retained { get; } = [];

    /// <summary>The last decided block, and the app hash before it.</summary>
    public (RequestFinalizeBlock Request, ByteString AppHashBefore)? LastBlock { get; private set; }

    public double Price { get; set; } = 50_000;

    public long Height { get; private set; }

    public long Time { get; private set; } = GenesisTime;

    public byte[] AppHash { get; private set; } = [];

    public Dictionary<string, byte[]> Keys { get; } = [];

    public List<ByteString> LastTransactions { get; private set; } = [];

    public ExtendedCommitInfo LastCommit { get; set; } = new();

    /// <summary>
    /// Keys of the guardians, all of whom must agree and none of whom has to wait; read when the chain begins.
    /// </summary>
    public IReadOnlyList<string> Guardians { get; init; } = [];

    public TestNetwork(Func<string> newDirectory, int validators = 4)
    {
        for (int i = 0; i < validators; i++)
        {
            byte[] secret = new byte[Sodium.SecretKeySize];
            Sodium.SecretKeyOf(SHA256.HashData([(byte)i, 1]), secret);
            byte[] key = secret[32..];
            var feed = new PriceFeed();
            feed.Add("BTC-PERP", (out double price, out long age) =>
            {
                price = Price;
                age = 0;
                return true;
            });
            string directory = newDirectory();
            Validators.Add(new TestValidator
            {
                SecretKey = secret,
                PublicKey = key,
                Address = BlockHashes.Address(key).ToByteArray(),
                Feed = feed,
                Directory = directory,
                Application = new Node.Application(new ChainStore(directory), feed, true, NodeLog.Silent),
            });
        }

        Validators.Sort((left, right) => left.Address.AsSpan().SequenceCompareTo(right.Address));
        foreach (string name in new[] { "alice", "bob" })
        {
            Keys[name] = SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(name));
        }

        Begin(null);
    }

    /// <summary>Begins the chain, again: before its first block an engine does so after each of its crashes.</summary>
    public void Begin(ConsensusParams? parameters)
    {
        RequestInitChain genesis = Genesis();
        genesis.ConsensusParams = parameters;
        foreach (TestValidator validator in Validators)
        {
            AppHash = validator.Application.InitChain(genesis).AppHash.ToByteArray();
        }
    }

    public RequestInitChain Genesis()
    {
        var accounts = Keys.Values.Select(key => new GenesisAccount(
            new AccountId(TransactionCodec.AddressOf(Secp256k1.PublicKeyOf(key)), 0), 100_000_000_000)).ToArray();
        var request = new RequestInitChain
        {
            ChainId = ChainId,
            InitialHeight = 1,
            Time = WireTime.FromNanoseconds(GenesisTime),
            AppStateBytes = ByteString.CopyFromUtf8(
                GenesisFile.Write(new GenesisState(
                    GenesisFile.DefaultMarkets, [.. accounts], 1_000_000_000, Vault())).ToJsonString()),
        };
        foreach (TestValidator validator in Validators)
        {
            request.Validators.Add(new Abci.Wire.ValidatorUpdate
            {
                PubKey = new Abci.Wire.Crypto.PublicKey { Ed25519 = ByteString.CopyFrom(validator.PublicKey) },
                Power = 10,
            });
        }

        return request;
    }

    private GenesisVault? Vault() => Guardians.Count == 0
        ? null
        : new GenesisVault(
            new CouncilTerms(
                [.. Guardians.Select(name => Secp256k1.PublicKeyOf(Keys[name]).ToImmutableArray())],
                Guardians.Count,
                1,
                0),
            new VaultTerms([new TimelockTier(0, 0)], 1_000_000, 1_000_000, 60));

    public ByteString Sign(string name, ulong nonce, params Operation[] operations)
    {
        byte[] key = Keys[name];
        byte[] publicKey = Secp256k1.PublicKeyOf(key);
        byte[] body = TransactionCodec.EncodeBody(new Transaction
        {
            Signer = TransactionCodec.AddressOf(publicKey),
            Subaccount = 0,
            Nonce = nonce,
            ExpiryHeight = Height + 50,
            AllOrNothing = false,
            Operations = operations,
        });
        Span<byte> digest = stackalloc byte[32];
        TransactionCodec.ComputeDigest(ChainId, body, digest);
        byte[] signature = new byte[64];
        Secp256k1.Sign(key, digest, signature);
        return ByteString.CopyFrom(TransactionCodec.Join(body, publicKey, signature));
    }

    public CommitInfo CommitInfoOf(ExtendedCommitInfo extended)
    {
        var commit = new CommitInfo { Round = extended.Round };
        foreach (ExtendedVoteInfo vote in extended.Votes)
        {
            commit.Votes.Add(new VoteInfo { Validator = vote.Validator, BlockIdFlag = vote.BlockIdFlag });
        }

        return commit;
    }

    public RequestProcessProposal Propose(params ByteString[] pool)
    {
        long height = Height + 1;
        long time = height == 1 ? GenesisTime : Time + Second;
        TestValidator proposer = Validators[(int)(height % Validators.Count)];
        var prepare = new RequestPrepareProposal
        {
            MaxTxBytes = 1_000_000,
            Height = height,
            Time = WireTime.FromNanoseconds(time),
            LocalLastCommit = LastCommit,
        };
        prepare.Txs.AddRange(pool);
        var process = new RequestProcessProposal
        {
            Height = height,
            Time = prepare.Time,
            ProposedLastCommit = CommitInfoOf(LastCommit),
            Hash = ByteString.CopyFrom(SHA256.HashData(BitConverter.GetBytes(height))),
        };
        process.Txs.AddRange(proposer.Application.PrepareProposal(prepare).Txs);
        return process;
    }

    public ResponseFinalizeBlock Step(params ByteString[] pool) => Decide(Propose(pool));

    /// <summary>Every validator accepts the proposal, votes, and executes and commits the block.</summary>
    /// <param name="process">The proposal.</param>
    /// <param name="meanwhile">What happens to a validator between its vote and the decision.</param>
    public ResponseFinalizeBlock Decide(RequestProcessProposal process, Action<TestValidator>? meanwhile = null)
    {
        Retained.Clear();
        foreach (TestValidator validator in Validators.Concat(Followers))
        {
            Assert.That(validator.Application.ProcessProposal(process).Status, Is.EqualTo(ProposalStatus.Accept));
        }

        LastCommit = Vote(process);
        var finalize = new RequestFinalizeBlock
        {
            Height = process.Height,
            Time = process.Time,
            Hash = process.Hash,
            DecidedLastCommit = process.ProposedLastCommit,
        };
        finalize.Txs.AddRange(process.Txs);
        ResponseFinalizeBlock? first = null;
        foreach (TestValidator validator in Validators.Concat(Followers))
        {
            meanwhile?.Invoke(validator);
            ResponseFinalizeBlock response = validator.Application.FinalizeBlock(finalize);
            first ??= response;
            Assert.That(response, Is.EqualTo(first));
            Assert.That(response.TxResults, Has.Count.EqualTo(process.Txs.Count));
            Retained.Add(validator.Application.Commit(new RequestCommit()).RetainHeight);
        }

        LastBlock = (finalize, ByteString.CopyFrom(AppHash));
        Height = process.Height;
        Time = WireTime.ToNanoseconds(process.Time);
        AppHash = first!.AppHash.ToByteArray();
        LastTransactions = [.. process.Txs];
        return first;
    }

    private ExtendedCommitInfo Vote(RequestProcessProposal process)
    {
        var commit = new ExtendedCommitInfo();
        foreach (TestValidator validator in Validators)
        {
            ByteString extension = validator.Application.ExtendVote(new RequestExtendVote
            {
                Height = process.Height,
                Hash = process.Hash,
                Time = process.Time,
            }).VoteExtension;

            // CometBFT 0.40 asks a validator about its own extension too, and ends when it is refused.
            ResponseVerifyVoteExtension own = validator.Application.VerifyVoteExtension(new RequestVerifyVoteExtension
            {
                Hash = process.Hash,
                Height = process.Height,
                ValidatorAddress = ByteString.CopyFrom(validator.Address),
                VoteExtension = extension,
            });
            Assert.That(own.Status, Is.EqualTo(VerifyStatus.Accept));
            byte[] signature = new byte[64];
            Sodium.Sign(validator.SecretKey, SignBytes.VoteExtension(ChainId, process.Height, 0, extension), signature);
            commit.Votes.Add(new ExtendedVoteInfo
            {
                Validator = new Validator { Address = ByteString.CopyFrom(validator.Address), Power = 10 },
                VoteExtension = extension,
                ExtensionSignature = ByteString.CopyFrom(signature),
                BlockIdFlag = BlockIDFlag.Commit,
            });
        }

        return commit;
    }

    public void Dispose()
    {
        foreach (TestValidator validator in Validators.Concat(Followers))
        {
            validator.Application.Dispose();
        }
    }

    public static Operation Order(Side side, long lots, long price) => new()
    {
        Kind = OperationKind.PlaceOrder,
        Side = side,
        Market = 1,
        Price = price,
        Quantity = lots,
    };
}
