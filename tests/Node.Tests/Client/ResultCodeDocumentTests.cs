using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests.Client;

[TestFixture]
public sealed class ResultCodeDocumentTests
{
    [Test]
    public void Document_lists_every_code_with_its_number_and_no_other()
    {
        var listed = new List<(uint, string)>();
        foreach (string line in File.ReadLines(Path.Combine(Root(), "docs", "spec", "result-codes.md")))
        {
            string[] cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells.Length > 3 && uint.TryParse(cells[1], out uint number))
            {
                listed.Add((number, cells[2]));
            }
        }

        Assert.That(listed, Is.EqualTo(Enum.GetValues<ResultCode>().Select(code => ((uint)code, code.ToString()))));
    }

    [Test]
    public void Every_code_has_a_line_for_people([Values] ResultCode code)
    {
        string line = Explanations.Of((uint)code);
        Assert.That(line.Length, code == ResultCode.Ok ? Is.Zero : Is.InRange(20, 120));
        Assert.That(Explanations.Of(999), Does.Contain("999"));
    }

    private static string Root()
    {
        DirectoryInfo? root = new(TestContext.CurrentContext.TestDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "AppChain.sln")))
        {
            root = root.Parent;
        }

        return root?.FullName ?? throw new DirectoryNotFoundException("the root of the repository");
    }
}
