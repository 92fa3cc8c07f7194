using System.Linq;
using System.Text;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// The handshake's table itself, written down once more: with A the application's height, S that of the stored blocks,
/// T that of the stored state and B the first block kept. Every row has a case, and every case wants what its row says,
/// so that the cases, which run on both engines, are all there is.
/// </summary>
[TestFixture]
public sealed class HandshakeTableTests
{
    private const string Refuses = "refuses";

    private static readonly string[] Rows =
    [
        "S = 0: compare hashes",
        "A = 0 and blocks pruned: too low",
        "0 < A < B - 1: too low",
        "A > S: too high",
        "S < T: damaged",
        "S > T + 1: damaged",
        "S = T, A = S: compare hashes",
        "S = T, A < S: replay A + 1 to S",
        "S = T + 1, A < T: replay A + 1 to S",
        "S = T + 1, A = T: apply S",
        "S = T + 1, A = S: apply S with the stored response",
    ];

    [TestCaseSource(nameof(Rows))]
    public void Each_row_has_a_case(string row) => Assert.That(
        HandshakeCase.All.Where(one => RowOf(one) == row).Select(one => one.Name), Is.Not.Empty);

    [TestCaseSource(typeof(HandshakeCase), nameof(HandshakeCase.All))]
    public void Each_case_wants_what_its_row_says(HandshakeCase one)
    {
        string row = RowOf(one);
        Assert.That(Rows, Does.Contain(row));
        Assert.That(one.Calls ?? Refuses, Is.EqualTo(Wanted(one, row)), row);
    }

    private static string RowOf(HandshakeCase one)
    {
        (long a, long s, long t, long b) = (one.Application, one.Engine.Blocks, one.Engine.State, one.Engine.Base);
        return (a, s, t, b) switch
        {
            (_, 0, _, _) => Rows[0],
            (0, _, _, > 1) => Rows[1],
            _ when a > 0 && a < b - 1 => Rows[2],
            _ when a > s => Rows[3],
            _ when s < t => Rows[4],
            _ when s > t + 1 => Rows[5],
            _ when s == t && a == s => Rows[6],
            _ when s == t => Rows[7],
            _ when a < t => Rows[8],
            _ when a == t => Rows[9],
            _ => Rows[10],
        };
    }

    // Letters of the calls: Info, iNit, Finalize, Commit.
    private static string Wanted(HandshakeCase one, string row)
    {
        bool isOther = one.OtherGenesis || (one.Engine.Blocks == 0 && one.Application > 0);
        bool lacksResponse = row == Rows[10] && !one.Engine.HasResponse;
        if (row.Contains("too") || row.Contains("damaged") || isOther || lacksResponse) return Refuses;
        var calls = new StringBuilder("I");
        if (one.Application == 0) calls.Append('N');
        for (long height = one.Application + 1; height <= one.Engine.Blocks; height++) calls.Append("FC");
        return calls.ToString();
    }
}
