using System;
using System.IO;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Abci.Wire.Privval;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine.Tests;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>
/// Questions of a node to its signer. Whatever is asked, two votes of one step never get two signatures.
/// </summary>
internal sealed class SignerQuestions
{
    private const string ChainId = "fuzz-1";

    private readonly Random _random;
    private readonly WireDamage _damage;
    // A question far ahead that was answered leaves nothing more to sign: then another signer takes its place.
    private const int QuestionsOfASigner = 200;

    private readonly SoftwareKey _key = SoftwareKey.FromSeed(SHA256.HashData("signer"u8));
    private RemoteSigner _signer;
    private ConsensusSigner _guarded;
    private int _questions;
    private long _height = 1;
    private (SignState State, ByteString Signature) _last = (SignState.Fresh, ByteString.Empty);

    public SignerQuestions(Random random, WireDamage damage)
    {
        _random = random;
        _damage = damage;
        _guarded = new ConsensusSigner(ChainId, _key, SignState.Fresh, static _ => { });
        _signer = new RemoteSigner("unix:///nowhere", _guarded);
    }

    public byte[] Next()
    {
        _height += _random.Next(4) == 0 ? 1 : 0;
        byte[] payload = Question().ToByteArray();
        payload = _random.Next(6) == 0 ? payload : _damage.Message(payload);
        using var stream = new MemoryStream();
        using (var coded = new CodedOutputStream(stream, leaveOpen: true))
        {
            coded.WriteLength(payload.Length);
        }

        stream.Write(payload);
        return _random.Next(12) == 0 ? _damage.Bytes(stream.ToArray()) : stream.ToArray();
    }

    public string Run(byte[] bytes)
    {
        if (++_questions % QuestionsOfASigner == 0)
        {
            _guarded = new ConsensusSigner(ChainId, _key, SignState.Fresh, static _ => { });
            _signer = new RemoteSigner("unix:///nowhere", _guarded);
            _last = (SignState.Fresh, ByteString.Empty);
        }

        string verdict = "nothing";
        try
        {
            var reader = new FrameReader(new MemoryStream(bytes), 1 << 20);
            while (reader.TryRead(out ReadOnlySpan<byte> frame))
            {
                verdict = Answer(Message.Parser.Read(frame));
            }
        }
        catch (MalformedFrameException)
        {
            return "malformed frame";
        }
        catch (MalformedMessageException)
        {
            return "malformed message";
        }

        return verdict;
    }

    private string Answer(Message question)
    {
        Message? answer = _signer.Answer(question);
        SignState now = _guarded.State;
        bool isSame = (now.Height, now.Round, now.Step) == (_last.State.Height, _last.State.Round, _last.State.Step);
        FuzzEntrances.Require(isSame || now.IsAfter(_last.State), "the sign state went back");
        FuzzEntrances.Require(
            !isSame || _last.Signature.IsEmpty || now.Signature.Equals(_last.Signature), "two signatures of one step");
        _last = (now, now.Signature);
        return answer switch
        {
            null => "no question",
            { SignedVoteResponse: { } vote } => vote.Error is null ? "vote signed" : "vote refused",
            { SignedProposalResponse: { } proposal } => proposal.Error is null ? "proposal signed" : "proposal refused",
            _ => answer.SumCase.ToString(),
        };
    }

    private Message Question()
    {
        var id = new BlockID
        {
            Hash = ByteString.CopyFrom(SHA256.HashData([(byte)_random.Next(3)])),
            PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFrom(SHA256.HashData([1])) },
        };
        var time = new Timestamp { Seconds = 1_760_000_000 + _height, Nanos = _random.Next(3) };
        return _random.Next(8) switch
        {
            0 => new Message { PingRequest = new PingRequest() },
            1 => new Message { PubKeyRequest = new PubKeyRequest { ChainId = ChainId } },
            2 or 3 => new Message
            {
                SignProposalRequest = new SignProposalRequest
                {
                    ChainId = ChainId,
                    Proposal = new Proposal
                    {
                        Type = SignedMsgType.Proposal, Height = _height, Round = _random.Next(3), PolRound = -1,
                        BlockId = id, Timestamp = time,
                    },
                },
            },
            _ => new Message
            {
                SignVoteRequest = new SignVoteRequest
                {
                    ChainId = ChainId,
                    Vote = new Vote
                    {
                        Type = _random.Next(2) == 0 ? SignedMsgType.Prevote : SignedMsgType.Precommit,
                        Height = _height,
                        Round = _random.Next(3),
                        BlockId = _random.Next(4) == 0 ? new BlockID { PartSetHeader = new PartSetHeader() } : id,
                        Timestamp = time,
                        ValidatorAddress = ByteString.CopyFrom(new byte[20]),
                        Extension = ByteString.CopyFrom(_damage.Noise(10)),
                    },
                },
            },
        };
    }
}
