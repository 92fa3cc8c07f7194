using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>A simulated network of recorder applications, with the checks that hold in every run.</summary>
public sealed class TestNetwork
{
    public const string ChainId = "localnet-1";

    public TestNetwork(int seed, int validators = 4, Func<SimulationOptions, SimulationOptions>? adjust = null,
        int extensionsFrom = 1, int initialHeight = 1)
    {
        Applications = [.. Enumerable.Range(0, validators).Select(i => new RecorderApplication($"{i}"))];
        Keys = [.. Enumerable.Range(1, validators)
            .Select(i => SoftwareKey.FromSeed(Enumerable.Repeat((byte)i, 32).ToArray()))];
        Signers = [.. Keys.Select(key => new ConsensusSigner(ChainId, key, SignState.Fresh, _ => { }))];
        Genesis = Genesis.Parse(GenesisJson(Keys.Select(key => key.PublicKey), extensionsFrom, initialHeight));
        SimulationOptions options = new()
        {
            Genesis = Genesis,
            Validators = validators,
            Seed = seed,
            Application = index =>
            {
                Applications[index].Restart();
                return Applications[index];
            },
            Signer = index => Signers[index],
        };
        Simulation = new SimulatedNetwork(adjust?.Invoke(options) ?? options);
    }

    public RecorderApplication[] Applications { get; }
    public SoftwareKey[] Keys { get; }
    public ConsensusSigner[] Signers { get; }
    public Genesis Genesis { get; }
    public SimulatedNetwork Simulation { get; }

    public static string GenesisJson(IEnumerable<ByteString> keys, int extensionsFrom = 1, int initialHeight = 1) =>
        $$"""
        {
          "genesis_time": "2026-01-01T00:00:00Z", "chain_id": "{{ChainId}}", "initial_height": "{{initialHeight}}",
          "consensus_params": {
            "block": { "max_bytes": "22020096", "max_gas": "-1" },
            "evidence": { "max_age_num_blocks": "100000", "max_age_duration": "172800000000000",
                "max_bytes": "1048576" },
            "validator": { "pub_key_types": ["ed25519"] }, "version": { "app": "0" },
            "abci": { "vote_extensions_enable_height": "{{extensionsFrom}}" }
          },
          "validators": [ {{string.Join(", ", keys.Select(key => $$"""
              { "pub_key": { "type": "tendermint/PubKeyEd25519", "value": "{{key.ToBase64()}}" }, "power": "10" }
              """))}} ],
          "app_hash": "", "app_state": {}
        }
        """;

    public void StartAll()
    {
        for (int i = 0; i < Applications.Length; i++) Simulation.Start(i);
    }

    /// <summary>Signs without the guard, as a validator that lies.</summary>
    public Vote Lie(int validator, Vote vote)
    {
        Vote lie = vote.Clone();
        lie.BlockId = new BlockID { PartSetHeader = new PartSetHeader() };
        lie.Extension = lie.ExtensionSignature = ByteString.Empty;
        lie.Signature = ByteString.CopyFrom(Keys[validator].Sign(SignBytes.Vote(ChainId, lie)));
        return lie;
    }

    public void RunToHeight(long height, double limitSeconds = 300)
    {
        bool reached = Simulation.RunUntil(
            () => Live().All(node => node.Store.StateHeight >= height || node.Failure is not null),
            TimeSpan.FromSeconds(limitSeconds));
        CheckSafety();
        Assert.That(Live().Select(node => node.Failure), Has.All.Null);
        Assert.That(reached, $"height {height} not reached: {string.Join(' ', Live().Select(Describe))}");
    }

    /// <summary>
    /// No two validators hold different blocks of one height, and every application was called in order.
    /// </summary>
    public void CheckSafety()
    {
        foreach (RecorderApplication application in Applications)
            CallOrder.Check(application.Calls.Select(CallOrder.Call));
        Dictionary<long, BlockID> decided = [];
        for (int i = 0; i < Applications.Length; i++)
        {
            BlockStore store = Simulation.StoreOf(i);
            for (long height = Math.Max(1, store.Base); height <= store.Height; height++)
            {
                BlockID id = store.LoadBlock(height)!.Id;
                if (!decided.TryAdd(height, id)) Assert.That(id, Is.EqualTo(decided[height]), $"fork at {height}");
            }
        }
    }

    public List<int> DecidedRounds(int validator)
    {
        BlockStore store = Simulation.StoreOf(validator);
        return [.. Enumerable.Range((int)store.Base, (int)(store.Height - store.Base + 1))
            .Select(height => store.LoadSeenCommit(height)!.Round)];
    }

    public IEnumerable<ValidatorNode> Live() =>
        Enumerable.Range(0, Applications.Length).Select(Simulation.Node).OfType<ValidatorNode>();

    private static string Describe(ValidatorNode node) => node.Consensus is { } consensus
        ? $"{consensus.Height}/{consensus.Round}/{consensus.Step}"
        : "not started";
}
