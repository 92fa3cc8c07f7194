using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Where engine and application stand at a start, and what must come of it. A chain of one validator, whose height 6 is
/// the last one but where it is said otherwise.
/// </summary>
/// <param name="Name">The row of the table, in words.</param>
/// <param name="Data">Which of the prepared data of the engine.</param>
/// <param name="Application">Height of the application.</param>
/// <param name="Calls">Calls of the handshake, as letters of <see cref="CallOrder"/>; null when it must refuse.</param>
/// <param name="Refusal">Words of the embedded engine when it refuses.</param>
/// <param name="CometBftRefusal">Words of CometBFT.</param>
/// <param name="ExitCode">Exit code of CometBFT when it refuses.</param>
/// <param name="OtherGenesis">The application has executed the same blocks on another genesis.</param>
public sealed record HandshakeCase(
    string Name, string Data, long Application, string? Calls = null, string Refusal = "", string CometBftRefusal = "",
    int ExitCode = 0, bool OtherGenesis = false)
{
    public static readonly IReadOnlyDictionary<string, EngineData> Datas = new Dictionary<string, EngineData>
    {
        ["empty"] = new(0, 0, 0, false),
        ["state 4"] = new(4, 4, 1, true),
        ["block 6"] = new(6, 5, 1, false),
        ["response 6"] = new(6, 5, 1, true),
        ["state 6"] = new(6, 6, 1, true),
        ["pruned 7"] = new(7, 7, 4, true),
        ["blocks behind"] = new(4, 6, 1, true),
        ["blocks ahead"] = new(6, 4, 1, true),
    };

    public static readonly HandshakeCase[] All =
    [
        new("S = 0: a new chain", "empty", 0, "IN"),
        new(
            "S = 0, A > 0: the engine has lost its data", "empty", 3, null, "differs",
            "does not match AppHash after replay", 2),
        new("S = T = A", "state 6", 6, "I"),
        new("S = T, A = S - 1", "state 6", 5, "IFC"),
        new("S = T, A < S", "state 6", 3, "IFCFCFC"),
        new("S = T, A = 0: the application has lost its data", "state 6", 0, "INFCFCFCFCFCFC"),
        new("S = T + 1, A < T", "block 6", 3, "IFCFCFC"),
        new("S = T + 1, A < T, response stored", "response 6", 3, "IFCFCFC"),
        new("S = T + 1, A = 0", "block 6", 0, "INFCFCFCFCFCFC"),
        new("S = T + 1, A = T: died before FinalizeBlock ended", "block 6", 5, "IFC"),
        new("S = T + 1, A = T: died before Commit was durable", "response 6", 5, "IFC"),
        new("S = T + 1, A = S: died after Commit", "response 6", 6, "I"),
        new("S = T + 1, A = S without the response: persisted too early", "block 6", 6, null, "not stored",
            "expected height 6 but last stored abci responses was at height 5", 1),
        new("A > S", "state 6", 7, null, "too high", "is higher than core", 1),
        new("A > S by two", "state 4", 6, null, "too high", "is higher than core", 1),
        new("A = 0 and blocks pruned", "pruned 7", 0, null, "too low", "too far below", 1),
        new("0 < A < B - 1", "pruned 7", 2, null, "too low", "too far below", 1),
        new("A = B - 1", "pruned 7", 3, "IFCFCFCFC"),
        new("pruned, S = T = A", "pruned 7", 7, "I"),
        new("S < T", "blocks behind", 4, null, "damaged", "StateBlockHeight (6) > StoreBlockHeight (4)", 2),
        new("S > T + 1", "blocks ahead", 4, null, "damaged", "StoreBlockHeight (6) > StateBlockHeight + 1 (5)", 2),
        new(
            "hash differs at S = T = A", "state 6", 6, null, "differs", "does not match AppHash after replay", 2,
            OtherGenesis: true),
        new(
            "hash differs in replay", "state 6", 3, null, "differs", "does not match AppHash after replay", 2,
            OtherGenesis: true),
    ];

    public EngineData Engine => Datas[Data];

    public override string ToString() => Name;

    /// <summary>Letters of the calls before the first one of a new height.</summary>
    public static string Before(IEnumerable<string> kinds)
    {
        var text = new StringBuilder();
        foreach (char letter in CallOrder.Text(kinds).TakeWhile(letter => !"PQEV".Contains(letter)))
            text.Append(letter);
        return text.ToString();
    }
}

/// <summary>
/// What an engine has stored: blocks up to S, state after T, first block B, and the results of block S.
/// </summary>
public sealed record EngineData(long Blocks, long State, long Base, bool HasResponse);
