using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;
using Validator = AppChain.Abci.Wire.Types.Validator;

namespace AppChain.Node.Tests.Cli;

/// <summary>A small state, the header above it, and validators who signed that header.</summary>
internal sealed class SignedState
{
    public const long Height = 40;

    private readonly StateTree _tree = new();
    private readonly List<Validator> _validators = [];
    private readonly Header _header;
    private readonly Commit _commit;

    /// <summary>Of these rows, in any order.</summary>
    /// <param name="rows">No two of one key.</param>
    /// <param name="powers">Of the validators; four of 10 when not given.</param>
    /// <param name="signers">How many of them sign, by address.</param>
    /// <param name="time">Of the header.</param>
    /// <param name="seeds">Of the validators' keys; 1, 2, … when not given.</param>
    public SignedState(
        IEnumerable<RowChange> rows, long[]? powers = null, int signers = 3,
        string time = "2025-10-10T21:00:00.123Z", int[]? seeds = null)
    {
        powers ??= [10, 10, 10, 10];
        byte[] appHash = _tree.Apply(
            Height,
            rows.OrderBy(row => row.Key, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))).ToList());
        _tree.Commit();

        var secrets = new Dictionary<string, byte[]>();
        for (int i = 0; i < powers.Length; i++)
        {
            var secret = new byte[Sodium.SecretKeySize];
            Sodium.SecretKeyOf(Enumerable.Repeat((byte)(seeds?[i] ?? i + 1), 32).ToArray(), secret);
            var key = new PublicKey { Ed25519 = ByteString.CopyFrom(secret[32..]) };
            var validator = new Validator { Address = BlockHashes.Address(key), PubKey = key, VotingPower = powers[i] };
            secrets[validator.Address.ToBase64()] = secret;
            _validators.Add(validator);
        }

        _validators.Sort((a, b) => a.VotingPower != b.VotingPower
            ? b.VotingPower.CompareTo(a.VotingPower)
            : a.Address.Span.SequenceCompareTo(b.Address.Span));
        _header = new Header
        {
            Version = new() { Block = 11 },
            ChainId = FakeNode.ChainId,
            Height = Height + 1,
            Time = WireTime.Parse(time),
            LastBlockId = Id(1),
            LastCommitHash = Hash(2),
            DataHash = Hash(3),
            ValidatorsHash = BlockHashes.Validators(_validators),
            NextValidatorsHash = Hash(4),
            ConsensusHash = Hash(5),
            AppHash = ByteString.CopyFrom(appHash),
            LastResultsHash = Hash(6),
            EvidenceHash = Hash(7),
            ProposerAddress = _validators[0].Address,
        };
        var id = new BlockID
        {
            Hash = BlockHashes.Header(_header),
            PartSetHeader = new() { Total = 1, Hash = Hash(8) },
        };
        _commit = new Commit { Height = Height + 1, Round = 1, BlockId = id };
        for (int i = 0; i < _validators.Count; i++)
        {
            _commit.Signatures.Add(i < signers
                ? Sign(_validators[i], secrets[_validators[i].Address.ToBase64()], id, i)
                : new CommitSig { BlockIdFlag = BlockIDFlag.Absent, Timestamp = WireTime.Zero });
        }
    }

    public Header Header => _header;

    public Commit Commit => _commit;

    public IReadOnlyList<Validator> Validators => _validators;

    public string ValidatorsHash => Convert.ToHexString(_header.ValidatorsHash.Span);

    public string Genesis(bool reversed)
    {
        IEnumerable<Validator> validators = reversed ? Enumerable.Reverse(_validators) : _validators;
        JsonArray list = [.. validators.Select(validator => new JsonObject
        {
            ["pub_key"] = new JsonObject
            {
                ["type"] = RpcJsonReader.Ed25519KeyType,
                ["value"] = validator.PubKey.Ed25519.ToBase64(),
            },
            ["power"] = $"{validator.VotingPower}",
        })];
        return new JsonObject { ["validators"] = list }.ToJsonString();
    }

    public void ServeFrom(FakeNode node)
    {
        node.Results["commit"] = JsonNode.Parse(Write(json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("signed_header");
            RpcJsonWriter.SignedHeader(json, _header, _commit);
            json.WriteBoolean("canonical", true);
            json.WriteEndObject();
        }))!;
        node.Results["validators"] = JsonNode.Parse(Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("validators");
            _validators.ForEach(validator => RpcJsonWriter.Validator(json, validator));
            json.WriteEndArray();
            json.WriteString("total", $"{_validators.Count}");
            json.WriteEndObject();
        }))!;
        node.Answer = Answer;
    }

    public IMessage? Answer(string path, byte[] data, long height) =>
        path == "/proof" && height == Height ? Prove(data) : null;

    private V1.ProofResponse Prove(byte[] data)
    {
        byte[] key = V1.ProofRequest.Parser.ParseFrom(data).Key.ToByteArray();
        Assert.That(_tree.TryProve(Height, key, out StateProof? proof), Is.True);
        bool exists = _tree.TryGet(Height, key, out byte[]? value);
        return new V1.ProofResponse
        {
            Height = (ulong)Height,
            Key = ByteString.CopyFrom(key),
            Exists = exists,
            Value = ByteString.CopyFrom(value ?? []),
            Proof = ByteString.CopyFrom(proof!.Encode()),
        };
    }

    private static CommitSig Sign(Validator validator, byte[] secret, BlockID id, int second)
    {
        var time = WireTime.Parse($"2025-10-10T21:00:0{second}Z");
        var vote = new Vote
        {
            Type = SignedMsgType.Precommit,
            Height = Height + 1,
            Round = 1,
            BlockId = id,
            Timestamp = time,
        };
        var signature = new byte[64];
        Sodium.Sign(secret, SignBytes.Vote(FakeNode.ChainId, vote), signature);
        return new CommitSig
        {
            BlockIdFlag = BlockIDFlag.Commit,
            ValidatorAddress = validator.Address,
            Timestamp = time,
            Signature = ByteString.CopyFrom(signature),
        };
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new System.IO.MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            write(json);
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static BlockID Id(byte fill) =>
        new() { Hash = Hash(fill), PartSetHeader = new() { Total = 1, Hash = Hash(fill) } };

    private static ByteString Hash(byte fill) => ByteString.CopyFrom(Enumerable.Repeat(fill, 32).ToArray());
}
