using System;
using System.Buffers;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Text.Json;
using System.Text.Json.Nodes;
using AppChain.Abci;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Verbs on the data directory of a node that is stopped: export and rollback.</summary>
internal static class StateCommands
{
    // CometBFT hands a genesis to the application in one message of at most 100 MiB.
    private const int GenesisBytesMax = 100 << 20;

    private const string DefaultParams = """
        {
          "block": { "max_bytes": "4194304", "max_gas": "-1" },
          "evidence": { "max_age_num_blocks": "100000", "max_age_duration": "172800000000000", "max_bytes": "1048576" },
          "validator": { "pub_key_types": ["ed25519"] },
          "version": { "app": "1" },
          "abci": { "vote_extensions_enable_height": "1" }
        }
        """;

    /// <summary>The commands.</summary>
    public static IEnumerable<Command> Create(Shell shell)
    {
        yield return Export(shell);
        yield return Rollback(shell);
    }

    private static Option<DirectoryInfo> Home() => new("--home")
    {
        Description = "home directory of the node, which must be stopped",
        Required = true,
    };

    private static Command Export(Shell shell)
    {
        Option<DirectoryInfo> home = Home();
        var height = new Option<long>("--height") { Description = "one of the last 100 heights; 0: the newest" };
        var output = new Option<string>("--out") { Description = "file to write", Required = true };
        var genesis = new Option<FileInfo?>("--genesis")
        {
            Description = "genesis.json whose consensus parameters the new one takes; without it those of a localnet",
        };
        var command = new Command(
            "export", "Writes a genesis document with every row of a height: a new chain goes on from it.")
        {
            home, height, output, genesis,
        };
        command.SetAction(parsed => Guarded(shell, () =>
        {
            string directory = DataOf(parsed.GetRequiredValue(home));
            byte[] document = Export(
                directory, parsed.GetValue(height), ParamsOf(parsed.GetValue(genesis)), out Exchange exported);
            if (document.Length > GenesisBytesMax)
            {
                throw new StorageException(
                    $"the document would take {document.Length >> 20} MiB, and an engine carries "
                    + $"{GenesisBytesMax >> 20}: "
                    + "start new nodes from a snapshot (docs/operating/state-sync.md)");
            }

            string file = parsed.GetRequiredValue(output);
            File.WriteAllBytes(file, document);
            shell.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"wrote {file}: height {exported.Height}, app hash {Convert.ToHexString(exported.AppHash)}"));
            return 0;
        }));
        return command;
    }

    private static Command Rollback(Shell shell)
    {
        Option<DirectoryInfo> home = Home();
        var command = new Command(
            "rollback", "Takes the application back by one height; take CometBFT back with: cometbft rollback --hard.")
        {
            home,
        };
        command.SetAction(parsed => Guarded(shell, () =>
        {
            DirectoryInfo directory = parsed.GetRequiredValue(home);
            Exchange now = Rollback(DataOf(directory), Path.Combine(directory.FullName, "snapshots"));
            shell.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"height {now.Height}, app hash {Convert.ToHexString(now.AppHash)}"));
            return 0;
        }));
        return command;
    }

    /// <summary>The genesis document of a height of a data directory.</summary>
    /// <exception cref="StorageException">The height is not kept, or the directory cannot be used.</exception>
    internal static byte[] Export(string directory, long height, string consensusParams, out Exchange exported)
    {
        using var store = new ChainStore(directory, materialise: false);
        (IReadOnlyList<KeyValuePair<byte[], byte[]>> rows, StateTree tree) = LoadOf(store, directory);
        long wanted = height == 0 ? store.Height : height;
        if (wanted != store.Height)
        {
            if (!tree.TryGetRoot(wanted, out byte[]? root))
            {
                throw new StorageException(
                    $"height {wanted} is not kept: choose one from {tree.OldestVersion} to {store.Height}");
            }

            rows = RowsOf(tree, wanted, root);
            var changes = new List<RowChange>(rows.Count);
            foreach (KeyValuePair<byte[], byte[]> row in rows)
            {
                changes.Add(new RowChange(row.Key, row.Value, false));
            }

            tree = new StateTree(1);
            tree.Apply(wanted, changes);
            tree.Commit();
        }

        exported = Exchange.Load(rows, tree);
        return ExportedState.Write(exported, rows, Changed(consensusParams, exported.ConsensusParameters));
    }

    /// <summary>Takes a data directory back by one height; snapshots above it go too.</summary>
    /// <exception cref="StorageException">There is no height before, or the directory cannot be used.</exception>
    internal static Exchange Rollback(string directory, string snapshotDirectory)
    {
        using (var store = new ChainStore(directory, materialise: false))
        {
            (IReadOnlyList<KeyValuePair<byte[], byte[]>> rows, StateTree tree) = LoadOf(store, directory);
            Exchange before = Exchange.Load(rows, tree);
            if (before.Height == before.InitialHeight)
            {
                throw new StorageException(
                    $"{directory} holds the first block only; to begin again remove it, and the engine's data");
            }

            store.Rollback();
        }

        // Read again, so that what is said is what the next start finds.
        using var rolledBack = new ChainStore(directory, materialise: false);
        (IReadOnlyList<KeyValuePair<byte[], byte[]>> Rows, StateTree Tree) now = LoadOf(rolledBack, directory);
        using (var snapshots = new SnapshotStore(snapshotDirectory, 0, 1, NodeLog.Silent))
        {
            snapshots.RemoveAbove(rolledBack.Height);
        }

        return Exchange.Load(now.Rows, now.Tree);
    }

    // The rows of a kept height, ascending by key, as a snapshot of it would carry them.
    private static List<KeyValuePair<byte[], byte[]>> RowsOf(StateTree tree, long height, byte[] root)
    {
        bool isKept = tree.TryReadChunk(height, ChunkPlace.Whole, int.MaxValue, out byte[]? chunk);
        if (!isKept || chunk is null
            || !StateChunk.TryRead(root, ChunkPlace.Whole, chunk, out List<KeyValuePair<byte[], byte[]>>? rows))
        {
            throw new StorageException($"the rows of height {height} take more than 2 GiB or are damaged");
        }

        rows.Sort(static (left, right) => left.Key.AsSpan().SequenceCompareTo(right.Key));
        return rows;
    }

    private static (IReadOnlyList<KeyValuePair<byte[], byte[]>> Rows, StateTree Tree) LoadOf(
        ChainStore store, string directory) =>
        store.Load() ?? throw new StorageException($"{directory} holds no block");

    private static string DataOf(DirectoryInfo home)
    {
        string directory = Path.Combine(
            home.FullName, NodeConfig.Read(NodeCommands.ConfigPath(home.FullName)).DataDirectory);
        return Directory.Exists(directory) ? directory : throw new StorageException($"{directory} does not exist");
    }

    // What the chain has changed since its own genesis stays changed.
    private static string Changed(string consensusParams, ConsensusParametersRow? row)
    {
        if (row is not { } changed || changed.FromHeight <= 1)
        {
            return consensusParams;
        }

        var written = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(written))
        {
            RpcJsonWriter.ConsensusParams(json, EngineParameters.Of(changed.Parameters));
        }

        JsonNode document = JsonNode.Parse(consensusParams)!;
        JsonNode now = JsonNode.Parse(written.WrittenSpan)!;
        document["block"] = now["block"]!.DeepClone();
        document["evidence"] = now["evidence"]!.DeepClone();
        return document.ToJsonString();
    }

    private static string ParamsOf(FileInfo? genesis)
    {
        if (genesis is null)
        {
            return DefaultParams;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(genesis.FullName));
            return document.RootElement.GetProperty("consensus_params").GetRawText();
        }
        catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new StorageException($"{genesis} is no genesis document with consensus_params");
        }
    }

    private static int Guarded(Shell shell, Func<int> run)
    {
        try
        {
            return run();
        }
        catch (Exception problem)
            when (problem is StorageException or ConfigException or IOException or UnauthorizedAccessException)
        {
            shell.Error.WriteLine($"error: {problem.Message}");
            return ExitCode.Usage;
        }
    }
}
