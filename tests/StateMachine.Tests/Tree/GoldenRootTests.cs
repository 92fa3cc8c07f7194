using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Tree;

[TestFixture]
public sealed class GoldenRootTests
{
    [TestCaseSource(nameof(Golden)), Description("T1, T2, T3")]
    public void Root_is_the_golden_one(int count, string root)
    {
        RowChange[] changes = Enumerable.Range(0, count).Select(Row).ToArray();
        Assert.That(Convert.ToHexStringLower(new StateTree().Apply(1, changes)), Is.EqualTo(root));

        // The same rows in two blocks, the second of which also removes what the first wrote too much.
        var tree = new StateTree();
        RowChange[] surplus = Enumerable.Range(count, 50).Select(Row).ToArray();
        tree.Apply(1, [.. changes.Where((_, index) => index % 3 != 0), .. surplus]);
        tree.Commit();
        byte[] later = tree.Apply(
            2,
            [.. changes.Where((_, index) => index % 3 == 0), .. surplus.Select(row => row with { Value = null })]);
        Assert.That(Convert.ToHexStringLower(later), Is.EqualTo(root));
    }

    private static RowChange Row(int number)
    {
        string value = string.Concat(Enumerable.Repeat($"value {number}", (number % 5) + 1));
        return new RowChange(Encoding.ASCII.GetBytes($"row {number}"), Encoding.ASCII.GetBytes(value), false);
    }

    private static IEnumerable<object[]> Golden()
    {
        using Stream stream = typeof(GoldenRootTests).Assembly.GetManifestResourceStream("golden_roots.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            if (line[0] != '#')
            {
                yield return [int.Parse(parts[0]), parts[1]];
            }
        }
    }
}
