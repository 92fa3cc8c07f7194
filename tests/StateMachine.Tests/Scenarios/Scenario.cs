using System;
using System.Collections.Generic;
using System.IO;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// One scenario of a <c>.scenario</c> file: a title, which names the rules it shows, and its lines. The language, one
/// event a line, the expected outcome last:
/// <code>
/// # a comment
/// scenario ORD-9: a taker is cut off at the fill that would take it below initial margin
///   market 1 initial 10% maintenance 5% maker -0.01% taker 0.05% limit 100 cap 500 band 50%
///   fund 1000
///   alice has 10000
///   price 1 1000                              all validators report it from now on; makes a block
///   dave sell 50@1000 -> Ok                   a transaction in a block of its own
///   alice buy 120@1000 ioc -> Ok filled 90
///   alice position 1 = 90
/// </code>
/// Set-up lines (market, fund, has, guardians, treasurers, vault) come first; without them gina, greta and gus are
/// guardians of a vault without timelock or cap, tara, tess and tom treasurers, two of whom agree or veto, also at
/// once. guardians none is a chain without vault and treasury. COUNCIL is NAME ... [agree N] [veto N] [lock TIME],
/// TERMS are [wait USD:TIME,USD:TIME...] [cap USD/USD] [sign TIME]: tiers of the timelock, caps of one owner and of
/// all, time to sign, with TIME as in 90s, 5m, 2h, 1d; treasurers COUNCIL spend USD. Then, each making a block:
/// <list type="bullet">
/// <item>price MARKET TICKS [+- TICKS]|none; block; pass N s|m|h|d, which makes a block that much later;</item>
/// <item>NAME[/SUB] [nonce N] [expires +N] OPERATION -> CODE [filled N] [order N] [needs USD] [has USD]; the expiry is
/// counted from the height of the block;</item>
/// <item>NAME[/SUB] all|each: OPERATION ; OPERATION ... -> CODE CODE ...: a batch, one code for each operation;</item>
/// <item>together: NAME OPERATION ; NAME OPERATION ... -> CODE CODE ...: several transactions in one block.</item>
/// </list>
/// Operations: buy|sell LOTS@TICKS [on MARKET] [gtc|ioc|fok|post] [market] [reduce] [id N] [until height +N] [until
/// +Ns] [stp maker|taker|both|decrement]; replace ID|id N buy|sell ...; cancel ID|id N; cancel-all MARKET; send USD to
/// NAME[/SUB]; withdraw USD [to TEXT]; cancel-withdrawal N; veto-withdrawal N; attest DEPOSIT USD to NAME[/SUB]; sign N
/// [sequence N] [expiry +TIME|-TIME] [version N] [amount USD] [to TEXT], as the row has it but for what is said;
/// propose vault TERMS, guardians COUNCIL, treasurers COUNCIL spend USD, consensus BYTES age BLOCKS/TIME evidence BYTES
/// or spend USD to NAME|fund [for TEXT]; approve N; veto N; retract N. Checks, which make no block: NAME position M =
/// LOTS, NAME collateral = USD, NAME liquidating = yes|no, NAME exists = yes|no, oracle M = STATE TICKS, mark M =
/// TICKS, interest M = LOTS, book M = LOTS@TICKS ... | LOTS@TICKS ..., fund = USD, fees = USD, leaving = USD, held =
/// USD, withdrawal N = STATE|none, sequence N = N, signatures N = COUNT, proposal N = STATE|none, version
/// guardians|treasurers = N, members guardians|treasurers = COUNT, and of the last block events = KIND*COUNT ...,
/// closed = REASON ..., outcome = STATE ... of proposals and ended = STATE ... of withdrawals.
/// </summary>
/// <param name="Title">What the scenario shows.</param>
/// <param name="File">File it is in.</param>
/// <param name="Lines">Its lines with their numbers.</param>
internal sealed record Scenario(string Title, string File, IReadOnlyList<(int Number, string Text)> Lines)
{
    /// <summary>The scenarios of every file.</summary>
    public static IEnumerable<Scenario> All()
    {
        var assembly = typeof(Scenario).Assembly;
        string[] names = assembly.GetManifestResourceNames();
        Array.Sort(names, StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (name.EndsWith(".scenario", StringComparison.Ordinal))
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                foreach (Scenario scenario in Read(name, reader.ReadToEnd()))
                {
                    yield return scenario;
                }
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Title;

    /// <summary>The scenarios of a text.</summary>
    public static IReadOnlyList<Scenario> Read(string file, string text)
    {
        const string start = "scenario ";
        var scenarios = new List<Scenario>();
        List<(int, string)>? lines = null;
        string[] all = text.Split('\n');
        for (int i = 0; i < all.Length; i++)
        {
            int comment = all[i].IndexOf('#', StringComparison.Ordinal);
            string line = (comment < 0 ? all[i] : all[i][..comment]).Trim();
            if (line.StartsWith(start, StringComparison.Ordinal))
            {
                lines = [];
                scenarios.Add(new Scenario(line[start.Length..], file, lines));
            }
            else if (line.Length > 0)
            {
                (lines ?? throw new FormatException($"{file}, line {i + 1}: a scenario begins with its title"))
                    .Add((i + 1, line));
            }
        }

        return scenarios;
    }
}
