using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>What holds for the text of every source file.</summary>
[TestFixture]
public sealed partial class SourceTests
{
    private const int ColumnsMax = 120;

    // Quotes lines of other sources, further to the right than they stand there.
    private const string Quoting = "SignatureSchemes.cs";

    [Test]
    public void A_line_has_at_most_120_columns()
    {
        var tooLong = new List<string>();
        int files = 0;
        foreach (string folder in (string[])["src", "localnet", "bench", "tests"])
        {
            string root = Path.Combine(SpecificationTests.Root(), folder);
            foreach (string file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
            {
                files++;
                if (Path.GetFileName(file) == Quoting)
                {
                    continue;
                }

                string[] lines = File.ReadAllLines(file);
                for (int i = 0; i < lines.Length; i++)
                {
                    if (lines[i].Length > ColumnsMax && !JsonLine().IsMatch(lines[i]))
                    {
                        tooLong.Add($"{file}:{i + 1}");
                    }
                }
            }
        }

        Assert.That(files, Is.GreaterThan(500));
        Assert.That(tooLong, Is.Empty);
    }

    // JSON as others write it, in a raw string.
    [GeneratedRegex("""^\s*("{3}\{"|\{"|"\w+":)""")]
    private static partial Regex JsonLine();
}
