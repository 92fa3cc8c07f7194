using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>Specification and tests say the same: every numbered rule is named by a test or a scenario.</summary>
[TestFixture]
public sealed partial class SpecificationTests
{
    [Test]
    public void Every_numbered_rule_is_named_by_a_test()
    {
        string root = Root();
        var rules = new SortedSet<string>(StringComparer.Ordinal);
        var bold = new HashSet<string>(StringComparer.Ordinal);
        foreach (string file in Directory.GetFiles(Path.Combine(root, "docs", "spec"), "*.md"))
        {
            foreach (Match rule in Rule().Matches(File.ReadAllText(file)))
            {
                string id = rule.Groups["id"].Value;
                bool isBold = rule.Value.StartsWith("**", StringComparison.Ordinal);
                Assert.That(!isBold || bold.Add(id), Is.True, $"two rules are called {id}");
                rules.Add(id);
            }
        }

        Assert.That(rules, Has.Count.GreaterThan(100));
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (string file in Directory.GetFiles(Path.Combine(root, "tests"), "*", SearchOption.AllDirectories))
        {
            bool isTest = file.EndsWith(".cs", StringComparison.Ordinal)
                || file.EndsWith(".scenario", StringComparison.Ordinal);
            if (isTest && !file.Contains(
                $"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            {
                foreach (Match name in Name().Matches(File.ReadAllText(file)))
                {
                    named.Add(name.Value.Replace('_', '-'));
                }
            }
        }

        rules.ExceptWith(named);
        Assert.That(rules, Is.Empty);
    }

    internal static string Root()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "AppChain.sln")))
        {
            root = root.Parent;
        }

        return root?.FullName ?? throw new DirectoryNotFoundException("the tests run outside the repository");
    }

    // A rule begins a paragraph in bold, is a heading, or stands in the table of the block's steps.
    [GeneratedRegex(@"^(\*\*|## |\|[^|]*\|[^|]*\| )?(?<id>[A-Z]+-\d+|[TGC]\d+)[ .:*(]", RegexOptions.Multiline)]
    private static partial Regex Rule();

    // Names of tests have underscores.
    [GeneratedRegex(@"(?<![A-Za-z0-9])([A-Z]+[-_]\d+|[TGC]\d+)(?![0-9])")]
    private static partial Regex Name();
}
