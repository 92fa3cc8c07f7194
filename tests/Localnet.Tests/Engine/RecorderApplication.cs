using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet.Tests;

/// <summary>
/// The application of the CometBFT recordings: it injects the extended commit as transaction 0 and hashes what it
/// executes. Only <see cref="Commit"/> makes anything durable; <see cref="Restart"/> forgets the rest.
/// </summary>
public sealed class RecorderApplication : IApplication
{
    private static readonly byte[] Prefix = Encoding.ASCII.GetBytes("VEC1");

    private readonly string _name;
    private string _chainId = "";
    private long _initialHeight;
    private long _height;
    private byte[] _appHash = [];
    private (long Height, byte[] AppHash)? _executed;

    public RecorderApplication(string name)
    {
        _name = name;
    }

    /// <summary>Names of the calls on the consensus connection, with their height where they have one.</summary>
    public List<(string Kind, long Height)> Calls { get; } = [];

    public List<RequestFinalizeBlock> Finalized { get; } = [];
    public List<RequestPrepareProposal> Prepared { get; } = [];
    public Func<long, int, bool> Rejects { get; set; } = (_, _) => false;
    public Func<long, ByteString>? Extension { get; set; }
    public Action<string>? Before { get; set; }
    public Dictionary<long, List<ValidatorUpdate>> Updates { get; } = [];
    public Dictionary<long, ConsensusParams> Parameters { get; } = [];
    public HashSet<string> RefusedAtRecheck { get; } = [];
    public long Height => _height;
    public byte[] AppHash => _appHash;

    public void Restart() => _executed = null;

    public void Wipe()
    {
        (_height, _appHash, _executed) = (0, [], null);
        Calls.Clear();
        Finalized.Clear();
    }

    public ResponseInfo Info(RequestInfo request)
    {
        Note("info", _height);
        return new ResponseInfo
        {
            Data = "recorder",
            Version = "1",
            LastBlockHeight = _height,
            LastBlockAppHash = ByteString.CopyFrom(_height == 0 ? [] : _appHash),
        };
    }

    public ResponseQuery Query(RequestQuery request) => new() { Height = _height, Value = request.Data };

    public ResponseInitChain InitChain(RequestInitChain request)
    {
        Note("init_chain", Math.Max(1, request.InitialHeight));
        _chainId = request.ChainId;
        _initialHeight = request.InitialHeight;
        _appHash = SHA256.HashData(Encoding.UTF8.GetBytes("genesis:" + _chainId));
        return new ResponseInitChain { AppHash = ByteString.CopyFrom(_appHash) };
    }

    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request)
    {
        Note("prepare_proposal", request.Height);
        Prepared.Add(request);
        ResponsePrepareProposal response = new();
        if (request.Height > _initialHeight)
            response.Txs.Add(ByteString.CopyFrom([.. Prefix, .. request.LocalLastCommit.ToByteArray()]));
        response.Txs.Add(request.Txs.Take(4));
        return response;
    }

    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request)
    {
        Note("process_proposal", request.Height);
        int calls = Calls.Count(call => call == ("process_proposal", request.Height));
        bool isGood = !Rejects(request.Height, calls) && HasGoodCommit(request);
        return new ResponseProcessProposal { Status = isGood ? ProposalStatus.Accept : ProposalStatus.Reject };
    }

    public ResponseExtendVote ExtendVote(RequestExtendVote request)
    {
        Note("extend_vote", request.Height);
        ByteString extension = Extension?.Invoke(request.Height)
            ?? ByteString.CopyFromUtf8($"price:{_name}:{request.Height}");
        return new ResponseExtendVote { VoteExtension = extension };
    }

    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request)
    {
        Note("verify_vote_extension", request.Height);
        bool isBad = request.VoteExtension.ToStringUtf8().StartsWith("BAD", StringComparison.Ordinal);
        return new ResponseVerifyVoteExtension { Status = isBad ? VerifyStatus.Reject : VerifyStatus.Accept };
    }

    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request)
    {
        Note("finalize_block", request.Height);
        Finalized.Add(request);
        byte[] height = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(height, request.Height);
        List<byte> preimage = [.. _appHash, .. height];
        ResponseFinalizeBlock response = new();
        foreach (ByteString tx in request.Txs)
        {
            byte[] hash = SHA256.HashData(tx.Span);
            preimage.AddRange(hash);
            response.TxResults.Add(tx.Span.StartsWith(Prefix)
                ? new ExecTxResult { Log = "commit info" }
                : new ExecTxResult
                {
                    Data = ByteString.CopyFrom(hash.AsSpan(0, 8)),
                    GasWanted = tx.Length,
                    GasUsed = tx.Length / 2,
                    Events = { new Event { Type = "put", Attributes = { new EventAttribute
                    {
                        Key = "size",
                        Value = $"{tx.Length}",
                        Index = true,
                    } } } },
                });
        }
        _executed = (request.Height, SHA256.HashData([.. preimage]));
        response.AppHash = ByteString.CopyFrom(_executed.Value.AppHash);
        response.ValidatorUpdates.Add(Updates.GetValueOrDefault(request.Height, []));
        if (Parameters.TryGetValue(request.Height, out ConsensusParams? parameters))
            response.ConsensusParamUpdates = parameters;
        return response;
    }

    public ResponseCommit Commit()
    {
        Note("commit", 0);
        (_height, _appHash) = _executed!.Value;
        _executed = null;
        return new ResponseCommit();
    }

    public Task<ResponseCheckTx> CheckTx(RequestCheckTx request)
    {
        string text = request.Tx.ToStringUtf8();
        uint code = text.StartsWith("VEC1", StringComparison.Ordinal) ? 2u
            : text.StartsWith("bad", StringComparison.Ordinal) ? 3u
            : request.Type == CheckTxType.Recheck && RefusedAtRecheck.Contains(text) ? 4u : 0u;
        return Task.FromResult(new ResponseCheckTx { Code = code, GasWanted = request.Tx.Length });
    }

    public void PushMempool()
    {
    }

    public void FlushMempool()
    {
    }

    private bool HasGoodCommit(RequestProcessProposal request)
    {
        List<ByteString> injected = [.. request.Txs.Where(tx => tx.Span.StartsWith(Prefix))];
        if (request.Height == _initialHeight) return injected.Count == 0;
        if (injected.Count != 1 || request.Txs[0] != injected[0]) return false;
        ExtendedCommitInfo info = ExtendedCommitInfo.Parser.ParseFrom(injected[0].Span[Prefix.Length..]);
        return info.Votes.Select(vote => vote.Validator.Address)
            .SequenceEqual(request.ProposedLastCommit.Votes.Select(vote => vote.Validator.Address));
    }

    private void Note(string kind, long height)
    {
        Before?.Invoke(kind);
        Calls.Add((kind, height));
    }
}
