using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// Everything that convinces somebody without a node that a row was, or was not, in the state after a height: the row,
/// its proof, the header of the next height (which carries the app hash), and the signatures of that height's
/// validators (docs/spec/queries.md, QUERY-6).
/// </summary>
public sealed class StateProofBundle
{
    private const string Format = "appchain-proof-1";

    /// <summary>Height of the state; the header is of the height above.</summary>
    public required long Height { get; init; }

    /// <summary>Key of the row.</summary>
    public required byte[] Key { get; init; }

    /// <summary>The row; null when the proof is of its absence.</summary>
    public required byte[]? Value { get; init; }

    /// <summary>Encoded <see cref="StateProof"/>.</summary>
    public required byte[] Proof { get; init; }

    /// <summary>Header of the next height.</summary>
    public required Header Header { get; init; }

    /// <summary>The signatures of that header.</summary>
    public required Commit Commit { get; init; }

    /// <summary>The validators that signed, in set order.</summary>
    public required IReadOnlyList<Abci.Wire.Types.Validator> Validators { get; init; }

    /// <summary>
    /// Checks the chain from the row to the signatures: nothing that a node says is taken on trust but the set of
    /// validators, whose hash the caller has from elsewhere.
    /// </summary>
    /// <param name="trustedValidatorsHash">Hash of the validator set of the header's height.</param>
    /// <returns>Null when everything holds, otherwise what does not.</returns>
    public string? Fault(ReadOnlySpan<byte> trustedValidatorsHash)
    {
        if (Header.Height != Height + 1)
        {
            return $"the state is of height {Height}, but the header of {Header.Height}: it must be the next one";
        }

        if (!StateProof.TryDecode(Proof, out StateProof? proof))
        {
            return "the proof is not in its encoding";
        }

        if (!StateProof.Verify(proof, Header.AppHash.Span, Key, Value))
        {
            return "the proof does not lead from the row to the app hash of the header";
        }

        bool isTrusted = Header.ValidatorsHash.Span.SequenceEqual(trustedValidatorsHash);
        return TrustedValidators.HeaderFault(Header, Commit, Validators) ?? (isTrusted
            ? null
            : $"the header was signed by validators with the hash {Convert.ToHexString(Header.ValidatorsHash.Span)}, "
                + "which are not the trusted ones");
    }

    /// <summary>Voting power of those who signed the header, and of all. Only meaningful without a fault.</summary>
    public (Int128 Signed, Int128 Total) Power()
    {
        Int128 signed = 0;
        Int128 total = 0;
        for (int i = 0; i < Validators.Count; i++)
        {
            total += Validators[i].VotingPower;
            bool isFor = i < Commit.Signatures.Count && Commit.Signatures[i].BlockIdFlag == BlockIDFlag.Commit;
            signed += isFor ? Validators[i].VotingPower : 0;
        }

        return (signed, total);
    }

    /// <summary>The text of a file.</summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteString("height", Height.ToString(System.Globalization.CultureInfo.InvariantCulture));
            json.WriteString("key", Convert.ToHexStringLower(Key));
            json.WriteBoolean("exists", Value is not null);
            json.WriteString("value", Convert.ToHexStringLower(Value ?? []));
            json.WriteString("proof", Convert.ToHexStringLower(Proof));
            json.WritePropertyName("header");
            RpcJsonWriter.Header(json, Header);
            json.WritePropertyName("commit");
            RpcJsonWriter.Commit(json, Commit);
            json.WriteStartArray("validators");
            foreach (Abci.Wire.Types.Validator validator in Validators)
            {
                RpcJsonWriter.Validator(json, validator);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="FormatException">It is no such file; the message says what is wrong.</exception>
    public static StateProofBundle Parse(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement json = document.RootElement;
            if (RpcJsonReader.Text(json, "format") != Format)
            {
                throw new FormatException($"it does not say \"format\": \"{Format}\"");
            }

            bool exists = RpcJsonReader.TryMember(json, "exists", out JsonElement flag)
                && flag.ValueKind == JsonValueKind.True;
            return new StateProofBundle
            {
                Height = RpcJsonReader.Int64(json, "height"),
                Key = RpcJsonReader.Hex(json, "key").ToByteArray(),
                Value = exists ? RpcJsonReader.Hex(json, "value").ToByteArray() : null,
                Proof = RpcJsonReader.Hex(json, "proof").ToByteArray(),
                Header = RpcJsonReader.Header(RpcJsonReader.Member(json, "header")),
                Commit = RpcJsonReader.Commit(RpcJsonReader.Member(json, "commit")),
                Validators = ReadValidators(json),
            };
        }
        catch (JsonException cause)
        {
            throw new FormatException($"it is not JSON: {cause.Message}", cause);
        }
    }

    private static IReadOnlyList<Abci.Wire.Types.Validator> ReadValidators(JsonElement json)
    {
        IReadOnlyList<Abci.Wire.Types.Validator> validators = RpcJsonReader.Validators(json);
        foreach (Abci.Wire.Types.Validator validator in validators)
        {
            if (validator.Address != BlockHashes.Address(validator.PubKey))
            {
                throw new FormatException("the address of a validator does not belong to its key");
            }
        }

        return validators;
    }
}
