using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.Node;
using AppChain.StateMachine;
using AppChain.StateMachine.Tests;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>
/// Frames of an engine to a real application with a database: what a peer or a client chose is damaged, what the engine
/// itself vouches for (heights, times) is as it would be.
/// </summary>
internal sealed class AbciFrames : IDisposable
{
    private const int FrameBytesMax = 1 << 20;
    private const string ChainId = "fuzz-1";

    private readonly Random _random;
    private readonly WireDamage _damage;
    private readonly string _directory = Directory.CreateTempSubdirectory("appchain-fuzz-").FullName;
    private readonly AppChain.Node.Application _application;
    private readonly AppChain.Node.Application _empty;
    private readonly byte[] _key = SHA256.HashData("trader"u8);
    private readonly List<Request> _sound = [];
    private long _height;

    public AbciFrames(Random random, WireDamage damage)
    {
        _random = random;
        _damage = damage;
        _application = new AppChain.Node.Application(
            new ChainStore(Path.Combine(_directory, "chain")), null, true, NodeLog.Silent);
        _empty = new AppChain.Node.Application(
            new ChainStore(Path.Combine(_directory, "empty")), null, true, NodeLog.Silent);
        Start();
        Prepare();
    }

    public byte[] Next()
    {
        Request request = _sound[_random.Next(_sound.Count)];
        byte[] payload = request.ToByteArray();
        payload = _random.Next(8) == 0 ? payload : _damage.Message(payload);
        byte[] frame = [.. Prefix(payload.Length), .. payload];
        return _random.Next(10) == 0 ? _damage.Bytes(frame) : frame;
    }

    public string Run(byte[] bytes)
    {
        var answered = new StringBuilder();
        try
        {
            var reader = new FrameReader(new MemoryStream(bytes), FrameBytesMax);
            while (reader.TryRead(out ReadOnlySpan<byte> frame))
            {
                Request request = Request.Parser.Read(frame);
                answered.Clear().Append(request.ValueCase).Append(' ').Append(Answer(request));
            }

            return answered.Length == 0 ? "nothing" : answered.ToString();
        }
        catch (MalformedFrameException)
        {
            return "malformed frame";
        }
        catch (MalformedMessageException)
        {
            return "malformed message";
        }
    }

    public void Dispose()
    {
        _application.Dispose();
        _empty.Dispose();
        Directory.Delete(_directory, true);
    }

    private string Answer(Request request)
    {
        switch (request.ValueCase)
        {
            case Request.ValueOneofCase.Info:
                return _application.Info(request.Info).LastBlockHeight.ToString(
                    System.Globalization.CultureInfo.InvariantCulture);
            case Request.ValueOneofCase.CheckTx:
                return ((ResultCode)_application.CheckTx(request.CheckTx).Code).ToString();
            case Request.ValueOneofCase.Query:
                return $"{_application.Query(request.Query).Code}";
            case Request.ValueOneofCase.VerifyVoteExtension:
                return _application.VerifyVoteExtension(request.VerifyVoteExtension).Status.ToString();
            case Request.ValueOneofCase.PrepareProposal:
                return $"{_application.PrepareProposal(InTime(request.PrepareProposal)).Txs.Count}";
            case Request.ValueOneofCase.ProcessProposal:
                return _application.ProcessProposal(InTime(request.ProcessProposal)).Status.ToString();
            case Request.ValueOneofCase.ListSnapshots:
                return $"{_application.ListSnapshots(request.ListSnapshots).Snapshots.Count}";
            case Request.ValueOneofCase.LoadSnapshotChunk:
                return $"{_application.LoadSnapshotChunk(request.LoadSnapshotChunk).Chunk.IsEmpty}";
            case Request.ValueOneofCase.OfferSnapshot:
                _application.OfferSnapshot(request.OfferSnapshot);
                return _empty.OfferSnapshot(request.OfferSnapshot).Result.ToString();
            case Request.ValueOneofCase.ApplySnapshotChunk:
                return _empty.ApplySnapshotChunk(request.ApplySnapshotChunk).Result.ToString();
            default:
                return "left to the engine";
        }
    }

    // What the engine vouches for: the height, the time, and that every vote has a validator.
    private RequestPrepareProposal InTime(RequestPrepareProposal request)
    {
        request.Height = _height + 1;
        request.Time = NextTime;
        request.MaxTxBytes = FrameBytesMax;
        request.Misbehavior.Clear();
        request.LocalLastCommit ??= new ExtendedCommitInfo();
        foreach (ExtendedVoteInfo vote in request.LocalLastCommit.Votes)
        {
            vote.Validator ??= new AppChain.Abci.Wire.Validator();
        }

        return request;
    }

    private RequestProcessProposal InTime(RequestProcessProposal request)
    {
        request.Height = _height + 1;
        request.Time = NextTime;
        request.Misbehavior.Clear();
        request.ProposedLastCommit ??= new CommitInfo();
        foreach (VoteInfo vote in request.ProposedLastCommit.Votes)
        {
            vote.Validator ??= new AppChain.Abci.Wire.Validator();
        }

        return request;
    }

    private Timestamp NextTime =>
        WireTime.FromNanoseconds(TestMarkets.GenesisTime + ((_height + 1) * TestMarkets.Second));

    private void Start()
    {
        byte[] publicKey = Secp256k1.PublicKeyOf(_key);
        // The trader is guardian and treasurer too, so that the paths of the vault have something to say.
        var council = new CouncilTerms([publicKey.ToImmutableArray()], 1, 1, 0);
        var state = new GenesisState(
            GenesisFile.DefaultMarkets,
            [new GenesisAccount(new AccountId(TransactionCodec.AddressOf(publicKey), 0), 1_000_000_000_000)],
            1_000_000,
            new GenesisVault(council, new VaultTerms([new TimelockTier(0, 0)], 1_000_000, 1_000_000, 60)),
            new GenesisTreasury(council, 1_000_000));
        var genesis = new RequestInitChain
        {
            ChainId = ChainId,
            InitialHeight = 1,
            Time = WireTime.FromNanoseconds(TestMarkets.GenesisTime),
            AppStateBytes = ByteString.CopyFromUtf8(GenesisFile.Write(state).ToJsonString()),
        };
        for (int i = 0; i < 4; i++)
        {
            using var key = SoftwareKey.FromSeed(SHA256.HashData([(byte)i]));
            genesis.Validators.Add(new AppChain.Abci.Wire.ValidatorUpdate
            {
                PubKey = new AppChain.Abci.Wire.Crypto.PublicKey { Ed25519 = key.PublicKey }, Power = 10,
            });
        }

        _application.InitChain(genesis);
        for (_height = 1; _height <= 3; _height++)
        {
            _application.FinalizeBlock(new RequestFinalizeBlock
            {
                Height = _height,
                Time = WireTime.FromNanoseconds(TestMarkets.GenesisTime + (_height * TestMarkets.Second)),
                Hash = ByteString.CopyFrom([(byte)_height]),
            });
            _application.Commit(new RequestCommit());
        }

        _height = 3;
    }

    private void Prepare()
    {
        byte[] address = [.. SHA256.HashData("anyone"u8).Take(20)];
        ByteString transaction = ByteString.CopyFrom(Transaction());
        ByteString extension = ByteString.CopyFrom(PriceVote.Encode(PoisonPill.Reports(
            _random, TestMarkets.GenesisTime)));
        RequestPrepareProposal prepare = Prepare(extension, transaction);
        var proposal = new RequestProcessProposal { Height = _height + 1, ProposedLastCommit = new CommitInfo() };
        proposal.Txs.Add(_application.PrepareProposal(InTime(prepare)).Txs);
        foreach (ExtendedVoteInfo vote in prepare.LocalLastCommit.Votes)
        {
            proposal.ProposedLastCommit.Votes.Add(new VoteInfo
            {
                Validator = vote.Validator,
                BlockIdFlag = vote.BlockIdFlag,
            });
        }

        byte[] appHash = _application.Info(new RequestInfo()).LastBlockAppHash.ToByteArray();
        byte[] depths = [1, 2, 2];
        _sound.Add(new Request { Info = new RequestInfo() });
        _sound.Add(new Request { CheckTx = new RequestCheckTx { Tx = transaction } });
        _sound.Add(new Request
        {
            VerifyVoteExtension = new RequestVerifyVoteExtension
            {
                Height = 4, ValidatorAddress = ByteString.CopyFrom(address), VoteExtension = extension,
            },
        });
        _sound.Add(new Request { PrepareProposal = prepare });
        _sound.Add(new Request { ProcessProposal = proposal });
        _sound.Add(new Request { ListSnapshots = new RequestListSnapshots() });
        _sound.Add(new Request
        {
            LoadSnapshotChunk = new RequestLoadSnapshotChunk { Height = 8, Format = 1, Chunk = 0 },
        });
        _sound.Add(new Request
        {
            OfferSnapshot = new RequestOfferSnapshot
            {
                AppHash = ByteString.CopyFrom(appHash),
                Snapshot = new AppChain.Abci.Wire.Snapshot
                {
                    Height = 8,
                    Format = 1,
                    Chunks = 3,
                    Metadata = ByteString.CopyFrom(depths),
                    Hash = ByteString.CopyFrom(SHA256.HashData([.. appHash, .. depths])),
                },
            },
        });
        _sound.Add(new Request
        {
            ApplySnapshotChunk = new RequestApplySnapshotChunk { Index = 1, Chunk = extension, Sender = "peer" },
        });
        foreach (string path in QueryAnswers.Paths.Concat(["/proof", "/unknown"]))
        {
            _sound.Add(new Request
            {
                Query = new RequestQuery
                {
                    Path = path,
                    Data = ByteString.CopyFrom([0x08, 0x01, 0x10, 0x05]),
                    Height = 2,
                },
            });
            string account = AccountText.Of(TransactionCodec.AddressOf(Secp256k1.PublicKeyOf(_key)));
            _sound.Add(new Request
            {
                Query = new RequestQuery
                {
                    Path = path, Data = new AppChain.V1.OrdersRequest { Account = account, Market = 1 }.ToByteString(),
                },
            });
        }
    }

    // With the precommits of the last height, signed by all.
    private RequestPrepareProposal Prepare(ByteString extension, ByteString transaction)
    {
        var request = new RequestPrepareProposal { LocalLastCommit = new ExtendedCommitInfo(), Txs = { transaction } };
        SoftwareKey[] keys = [.. Enumerable.Range(0, 4).Select(i => SoftwareKey.FromSeed(SHA256.HashData([(byte)i])))];
        foreach (SoftwareKey key in keys.OrderBy(key => RpcJsonWriter.Hex(AddressOf(key)), StringComparer.Ordinal))
        {
            byte[] signed = SignBytes.VoteExtension(ChainId, _height, 0, extension);
            request.LocalLastCommit.Votes.Add(new ExtendedVoteInfo
            {
                Validator = new AppChain.Abci.Wire.Validator { Address = AddressOf(key), Power = 10 },
                VoteExtension = extension,
                ExtensionSignature = ByteString.CopyFrom(key.Sign(signed)),
                BlockIdFlag = AppChain.Abci.Wire.Types.BlockIDFlag.Commit,
            });
            key.Dispose();
        }

        return request;
    }

    private static ByteString AddressOf(SoftwareKey key) => BlockHashes.Address(key.PublicKey.Span);

    private byte[] Transaction()
    {
        byte[] publicKey = Secp256k1.PublicKeyOf(_key);
        byte[] body = TransactionCodec.EncodeBody(new Transaction
        {
            Signer = TransactionCodec.AddressOf(publicKey),
            Subaccount = 0,
            Nonce = 1,
            ExpiryHeight = 50,
            AllOrNothing = false,
            Operations = [Ops.Buy(10, 1_000)],
        });
        Span<byte> digest = stackalloc byte[32];
        TransactionCodec.ComputeDigest(ChainId, body, digest);
        byte[] signature = new byte[64];
        Secp256k1.Sign(_key, digest, signature);
        return TransactionCodec.Join(body, publicKey, signature);
    }

    private static byte[] Prefix(int length)
    {
        using var stream = new MemoryStream();
        using var coded = new CodedOutputStream(stream);
        coded.WriteLength(length);
        coded.Flush();
        return stream.ToArray();
    }
}
