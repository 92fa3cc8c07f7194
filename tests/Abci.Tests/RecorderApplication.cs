using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Tests;

/// <summary>
/// The application of the recordings, after its description: it numbers heights, chains hashes, and follows a plan of
/// rejections and updates by height. Keeps what Commit stored, so that another process run can begin there.
/// </summary>
internal sealed class RecorderApplication : IAbciApplication
{
    private static readonly byte[] CommitPrefix = "VEC1"u8.ToArray();

    private readonly Lock _lock = new();
    private readonly JsonElement _plan;
    private readonly int _node;
    private readonly Dictionary<long, int> _processCalls = [];
    private long _height;
    private byte[] _appHash;
    private (long Height, byte[] Hash) _pending;

    public RecorderApplication(int node, JsonElement plan, long height, byte[] appHash)
    {
        _node = node;
        _plan = plan;
        StoredHeight = height;
        StoredHash = appHash;
        _height = height;
        _appHash = appHash;
    }

    public long StoredHeight { get; private set; }

    public byte[] StoredHash { get; private set; }

    /// <summary>The next call throws, once.</summary>
    public bool FailsNext { get; set; }

    public ResponseInfo Info(RequestInfo request) => Serve(() => new ResponseInfo
    {
        Data = "recorder",
        Version = "1",
        LastBlockHeight = StoredHeight,
        LastBlockAppHash = ByteString.CopyFrom(StoredHash),
    });

    public ResponseInitChain InitChain(RequestInitChain request) => Serve(() =>
    {
        _appHash = SHA256.HashData(Encoding.ASCII.GetBytes("genesis:" + request.ChainId));
        return new ResponseInitChain { AppHash = ByteString.CopyFrom(_appHash) };
    });

    public ResponseQuery Query(RequestQuery request) => Serve(() => new ResponseQuery
    {
        Log = "ok",
        Key = request.Data,
        Value = ByteString.CopyFromUtf8(StoredHeight.ToString(CultureInfo.InvariantCulture)),
        Height = StoredHeight,
    });

    public ResponseCheckTx CheckTx(RequestCheckTx request) => Serve(() =>
    {
        if (StartsWith(request.Tx, "VEC1")) return new ResponseCheckTx { Code = 2, Codespace = "rec" };
        if (StartsWith(request.Tx, "bad")) return new ResponseCheckTx { Code = 3, Log = "bad tx", Codespace = "rec" };
        return new ResponseCheckTx { GasWanted = request.Tx.Length };
    });

    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) => Serve(() =>
    {
        ResponsePrepareProposal response = new();
        long room = request.MaxTxBytes;
        if (request.Height > InitialHeight)
        {
            ByteString commit = ByteString.CopyFrom([.. CommitPrefix, .. request.LocalLastCommit.ToByteArray()]);
            response.Txs.Add(commit);
            room -= Size(commit);
        }
        int count = 0;
        foreach (ByteString tx in request.Txs)
        {
            if (count == TxsMax || Size(tx) > room) break;
            response.Txs.Add(tx);
            room -= Size(tx);
            count++;
        }
        return response;
    });

    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) => Serve(() =>
    {
        int call = _processCalls[request.Height] = _processCalls.GetValueOrDefault(request.Height) + 1;
        bool rejects = call <= Planned("reject_calls", request.Height);
        return new ResponseProcessProposal
        {
            Status = !rejects && IsValid(request) ? ProposalStatus.Accept : ProposalStatus.Reject,
        };
    });

    public ResponseExtendVote ExtendVote(RequestExtendVote request) => Serve(() =>
    {
        string text = Lists("bad_ext", request.Height) ? "BAD"
            : Lists("empty_ext", request.Height) ? ""
            : $"price:{_node}:{request.Height}";
        return new ResponseExtendVote { VoteExtension = ByteString.CopyFromUtf8(text) };
    });

    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) => Serve(() =>
        new ResponseVerifyVoteExtension
        {
            Status = StartsWith(request.VoteExtension, "BAD") ? VerifyStatus.Reject : VerifyStatus.Accept,
        });

    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) => Serve(() =>
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_appHash);
        byte[] height = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(height, request.Height);
        hash.AppendData(height);
        ResponseFinalizeBlock response = new();
        foreach (ByteString tx in request.Txs)
        {
            hash.AppendData(SHA256.HashData(tx.Span));
            response.TxResults.Add(Execute(tx));
        }
        _pending = (request.Height, hash.GetHashAndReset());
        response.AppHash = ByteString.CopyFrom(_pending.Hash);
        response.Events.Add(new Event
        {
            Type = "state",
            Attributes =
            {
                Attribute("apphash", Convert.ToHexStringLower(_pending.Hash), isIndexed: true),
                Attribute("txs", request.Txs.Count.ToString(CultureInfo.InvariantCulture), isIndexed: false),
            },
        });
        AddUpdates(request.Height, response);
        return response;
    });

    public ResponseCommit Commit(RequestCommit request) => Serve(() =>
    {
        (_height, _appHash) = _pending;
        (StoredHeight, StoredHash) = _pending;
        return new ResponseCommit();
    });

    public ResponseListSnapshots ListSnapshots(RequestListSnapshots request) => new();

    public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request) =>
        new() { Result = OfferSnapshotResult.Reject };

    public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request) => new();

    public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request) =>
        new() { Result = ApplySnapshotChunkResult.Abort };

    private long InitialHeight =>
        _plan.TryGetProperty("initial_height", out JsonElement height) ? height.GetInt64() : 1;

    private int TxsMax => _plan.TryGetProperty("max_txs", out JsonElement count) ? count.GetInt32() : 4;

    private T Serve<T>(Func<T> call)
    {
        lock (_lock)
        {
            if (!FailsNext) return call();
            FailsNext = false;
            throw new InvalidOperationException("asked to fail");
        }
    }

    private bool IsValid(RequestProcessProposal request)
    {
        bool expectsCommit = request.Height > InitialHeight;
        for (int i = 0; i < request.Txs.Count; i++)
        {
            if (StartsWith(request.Txs[i], "VEC1") != (expectsCommit && i == 0)) return false;
        }
        if (!expectsCommit) return true;
        if (request.Txs.Count == 0) return false;
        try
        {
            ExtendedCommitInfo commit = ExtendedCommitInfo.Parser.ParseFrom(request.Txs[0].Span[CommitPrefix.Length..]);
            return commit.Votes.Select(vote => vote.Validator.Address)
                .SequenceEqual(request.ProposedLastCommit.Votes.Select(vote => vote.Validator.Address));
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static ExecTxResult Execute(ByteString tx)
    {
        if (StartsWith(tx, "VEC1")) return new ExecTxResult { Log = "commit info" };
        if (StartsWith(tx, "fail"))
        {
            return new ExecTxResult { Code = 7, Log = "asked to fail", GasWanted = tx.Length, Codespace = "rec" };
        }
        string key = tx.ToStringUtf8().Split('=')[0];
        return new ExecTxResult
        {
            Data = ByteString.CopyFrom(SHA256.HashData(tx.Span).AsSpan(0, 8)),
            Log = "ok",
            GasWanted = tx.Length,
            GasUsed = tx.Length / 2,
            Events =
            {
                new Event
                {
                    Type = "put",
                    Attributes =
                    {
                        Attribute("key", key, isIndexed: true),
                        Attribute("size", tx.Length.ToString(CultureInfo.InvariantCulture), isIndexed: false),
                    },
                },
            },
        };
    }

    private void AddUpdates(long height, ResponseFinalizeBlock response)
    {
        string at = height.ToString(CultureInfo.InvariantCulture);
        if (_plan.TryGetProperty("val_updates", out JsonElement updates)
            && updates.TryGetProperty(at, out JsonElement list))
        {
            foreach (JsonElement update in list.EnumerateArray())
            {
                byte[] key = Convert.FromHexString(update.GetProperty("pub").GetString()!);
                response.ValidatorUpdates.Add(new ValidatorUpdate
                {
                    PubKey = new PublicKey { Ed25519 = ByteString.CopyFrom(key) },
                    Power = update.GetProperty("power").GetInt64(),
                });
            }
        }
        if (!_plan.TryGetProperty("params", out JsonElement all)
            || !all.TryGetProperty(at, out JsonElement change)) return;
        response.ConsensusParamUpdates = new ConsensusParams();
        if (change.TryGetProperty("block", out JsonElement block))
        {
            response.ConsensusParamUpdates.Block = new BlockParams
            {
                MaxBytes = block[0].GetInt64(),
                MaxGas = block[1].GetInt64(),
            };
        }
        if (change.TryGetProperty("app", out JsonElement app))
        {
            response.ConsensusParamUpdates.Version = new VersionParams { App = app.GetUInt64() };
        }
    }

    private int Planned(string name, long height) =>
        _plan.TryGetProperty(name, out JsonElement plan)
        && plan.TryGetProperty(height.ToString(CultureInfo.InvariantCulture), out JsonElement count)
            ? count.GetInt32()
            : 0;

    private bool Lists(string name, long height) =>
        _plan.TryGetProperty(name, out JsonElement list)
        && list.EnumerateArray().Any(item => item.GetInt64() == height);

    private static EventAttribute Attribute(string key, string value, bool isIndexed) =>
        new() { Key = key, Value = value, Index = isIndexed };

    private static bool StartsWith(ByteString bytes, string prefix) =>
        bytes.Span.StartsWith(Encoding.ASCII.GetBytes(prefix));

    private static long Size(ByteString tx) => 1 + Frame.PrefixSize((uint)tx.Length) + tx.Length;
}
