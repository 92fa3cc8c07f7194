using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using Validator = AppChain.Abci.Wire.Types.Validator;

namespace AppChain.Node;

/// <summary>
/// The validators of a chain whose signatures somebody believes, named in a file of his own, and followed as far as
/// they themselves sign for their successors (docs/spec/vault.md, VAULT-15).
/// </summary>
internal sealed class TrustedValidators(string chainId, IReadOnlyList<Validator> validators)
{
    private long _height;

    /// <summary>The chain.</summary>
    public string ChainId { get; } = chainId;

    /// <summary>The validators believed now, in set order.</summary>
    public IReadOnlyList<Validator> Validators { get; private set; } = validators;

    /// <summary>Hash of the set, as headers name it.</summary>
    public ByteString Hash => BlockHashes.Validators(Validators);

    /// <summary>
    /// What speaks against a header; null: more than two thirds of the validators believed so far signed it, and so did
    /// more than two thirds of the set that it names, which is believed from now on. A header below one that was
    /// accepted before is refused.
    /// </summary>
    public string? Refuse(Header header, Commit commit, IReadOnlyList<Validator> signers)
    {
        if (header.ChainId != ChainId)
        {
            return $"the header is of the chain '{header.ChainId}', not '{ChainId}'";
        }

        if (header.Height < _height)
        {
            return $"the header is of height {header.Height}, and it has shown {_height} before";
        }

        string? fault = HeaderFault(header, commit, signers);
        if (fault is null && header.ValidatorsHash != Hash)
        {
            fault = SuccessionFault(commit, signers);
        }

        if (fault is null)
        {
            _height = header.Height;
            Validators = signers;
        }

        return fault;
    }

    /// <summary>What is wrong with a header, its signatures and the validators that it names, by themselves.</summary>
    public static string? HeaderFault(Header header, Commit commit, IReadOnlyList<Validator> signers)
    {
        ByteString headerHash = BlockHashes.Header(header);
        if (headerHash.IsEmpty || commit.BlockId?.Hash != headerHash)
        {
            return "the commit is for another header";
        }

        return BlockHashes.Validators(signers) != header.ValidatorsHash
            ? "the validators are not those that the header names"
            : CommitVerification.Fault(header.ChainId, signers, commit.BlockId, header.Height, commit);
    }

    /// <summary>Reads <c>validators</c> of a genesis document or of an answer of the RPC method of that name.</summary>
    /// <exception cref="FormatException">There are none.</exception>
    public static IReadOnlyList<Validator> Read(JsonElement json)
    {
        JsonElement holder = RpcJsonReader.TryMember(json, "result", out JsonElement result) ? result : json;
        var validators = new List<Validator>();
        foreach (JsonElement item in RpcJsonReader.Items(holder, "validators"))
        {
            PublicKey key = RpcJsonReader.PublicKey(RpcJsonReader.Member(item, "pub_key"));
            // A genesis file calls it power, an answer voting_power.
            long power = RpcJsonReader.Int64(item, "voting_power");
            validators.Add(new Validator
            {
                Address = BlockHashes.Address(key),
                PubKey = key,
                VotingPower = power != 0 ? power : RpcJsonReader.Int64(item, "power"),
            });
        }

        if (validators.Count == 0)
        {
            throw new FormatException("'validators' is missing or empty");
        }

        // The order in which consensus hashes them.
        validators.Sort(static (left, right) => left.VotingPower != right.VotingPower
            ? right.VotingPower.CompareTo(left.VotingPower)
            : left.Address.Span.SequenceCompareTo(right.Address.Span));
        return validators;
    }

    /// <summary>The same from a file.</summary>
    /// <exception cref="FormatException">The file has none; the message names it.</exception>
    public static IReadOnlyList<Validator> ReadFile(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            return Read(document.RootElement);
        }
        catch (Exception cause) when (cause is JsonException or FormatException)
        {
            throw new FormatException($"{path} has no list of validators: {cause.Message}", cause);
        }
    }

    // The signatures themselves are verified by now. Each validator counts once, whatever the other set repeats.
    private string? SuccessionFault(Commit commit, IReadOnlyList<Validator> signers)
    {
        var signed = new HashSet<ByteString>(
            signers.Where((_, i) => commit.Signatures[i].BlockIdFlag == BlockIDFlag.Commit).Select(
                one => one.PubKey.Ed25519));
        Int128 total = 0;
        Int128 power = 0;
        foreach (Validator validator in Validators)
        {
            total += validator.VotingPower;
            power += signed.Contains(validator.PubKey.Ed25519) ? validator.VotingPower : 0;
        }

        return 3 * power > 2 * total
            ? null
            : $"other validators signed the header, and only {power} of {total} power of the trusted ones; if the "
                + "validators of the chain have changed so far, name those of today with --validators FILE";
    }
}
