using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text.Json;
using AppChain.Hsm;

namespace AppChain.Localnet;

/// <summary>
/// What the signers of a run say that they signed, from their audit logs: a validator that signed two contents for one
/// height, round and step has signed twice, whichever of its signers it was.
/// </summary>
internal sealed class SignedPlaces
{
    private readonly Dictionary<(int Validator, long Height, int Round, string Step), string> _blocks = [];
    private readonly List<string> _faults = [];

    /// <summary>Places signed, over all validators.</summary>
    public int Count => _blocks.Count;

    /// <summary>Double signs, and logs that are not as they were written.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>The highest round in which anything was signed, by height.</summary>
    public SortedDictionary<long, int> Rounds { get; } = [];

    /// <summary>Reads the audit logs of every signer of a run.</summary>
    public static SignedPlaces Read(RunOptions options, NetworkFiles files)
    {
        var places = new SignedPlaces();
        for (int i = 0; i < options.Validators; i++)
        {
            for (int j = 0; j < options.Signers; j++)
            {
                places.Add(i, files.AuditLogOf(i, j));
            }
        }

        return places;
    }

    /// <summary>Adds the log of one signer of a validator.</summary>
    public void Add(int validator, string log)
    {
        if (!File.Exists(log))
        {
            _faults.Add($"there is no audit log {log}");
            return;
        }

        if (AuditLog.Verify(log) is { Fault: { } fault, File: { } name })
        {
            _faults.Add($"{name}: {fault}");
            return;
        }

        foreach (string file in (string[])[.. AuditLog.FullFiles(log), log])
        {
            foreach (string line in File.ReadLines(file))
            {
                AddLine(validator, line);
            }
        }
    }

    private void AddLine(int validator, string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement json = document.RootElement;
        if (json.GetProperty("outcome").GetString() is not ("signed" or "repeated"))
        {
            return;
        }

        long height = json.GetProperty("height").GetInt64();
        int round = json.GetProperty("round").GetInt32();
        string step = json.GetProperty("step").GetString()!;
        string block = json.GetProperty("block").GetString()!;
        Rounds[height] = Math.Max(Rounds.GetValueOrDefault(height), round);
        if (!_blocks.TryAdd((validator, height, round, step), block)
            && _blocks[(validator, height, round, step)] != block)
        {
            _faults.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"validator {validator} signed twice: height {height}, round {round}, {step}, {block} and "
                    + $"another block"));
        }
    }
}
