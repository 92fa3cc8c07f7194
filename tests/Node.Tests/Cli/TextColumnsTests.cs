using System.Linq;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

/// <summary>Tables of the command line.</summary>
internal sealed class TextColumnsTests
{
    [Test]
    public void Numbers_stand_with_their_points_under_each_other_and_words_to_the_left()
    {
        string[] lines = [.. TextColumns.Table(
            ["name", ">amount", "state"],
            [["a", "1,234.5", "live"], ["longer", "-", "stale"], ["b", "-7.125", ""]])];
        Assert.That(lines, Is.EqualTo(new[]
        {
            "name        amount   state",
            "──────────────────────────",
            "a        1,234.5     live",
            "longer       -       stale",
            "b           -7.125",
        }));
    }

    [Test]
    public void Cells_that_are_no_numbers_are_only_set_to_the_right() => Assert.That(
        TextColumns.AlignNumbers("0.01 of 0.1", "1 of 2"), Is.EqualTo(new[] { "0.01 of 0.1", "     1 of 2" }));

    [Test]
    public void A_table_is_as_wide_as_it_must_be_and_nothing_is_cut()
    {
        string address = new('x', 300);
        Assert.That(TextColumns.Table(["account"], [[address]]).Last(), Is.EqualTo(address));
    }
}
