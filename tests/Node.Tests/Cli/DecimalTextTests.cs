using System;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

[TestFixture]
public sealed class DecimalTextTests
{
    [TestCase("50000.5", 1, 500_005)]
    [TestCase("50000", 1, 500_000)]
    [TestCase("50000.", 1, 500_000)]
    [TestCase(".5", 1, 5)]
    [TestCase("0.2500", 2, 25)]
    [TestCase("7", 0, 7)]
    [TestCase("7.000", 0, 7)]
    [TestCase("000000000000000000000.1", 1, 1)]
    public void Decimals_become_whole_units_exactly(string text, int decimals, long units) =>
        Assert.That(DecimalText.Parse("price", text, decimals, "tick", 1L << 40), Is.EqualTo(units));

    [TestCase("50000.55", "price 50000.55 is not a multiple of the tick 0.1; nearest are 50000.5 and 50000.6")]
    [TestCase("0.04", "price 0.04 is not a multiple of the tick 0.1; nearest is 0.1")]
    [TestCase("0", "price must be above zero")]
    [TestCase("-5", "price '-5' is not a number such as 12.5")]
    [TestCase("", "price '' is not a number such as 12.5")]
    [TestCase(".", "price '.' is not a number such as 12.5")]
    [TestCase("1,00", "price '1,00' is not a number such as 12.5")]
    [TestCase("10,000,00", "price '10,000,00' is not a number such as 12.5")]
    [TestCase(",100", "price ',100' is not a number such as 12.5")]
    [TestCase("1.000,5", "price '1.000,5' is not a number such as 12.5")]
    [TestCase("1e5", "price '1e5' is not a number such as 12.5")]
    [TestCase("1.2.3", "price '1.2.3' is not a number such as 12.5")]
    [TestCase("109951162777.6", "price 109951162777.6 is above the highest possible, 109951162777.5")]
    [TestCase(
        "99999999999999999999999999999",
        "price 99999999999999999999999999999 is above the highest possible, 109951162777.5")]
    [TestCase(
        "9999999999999999999999999999999", "price '9999999999999999999999999999999' is not a number such as 12.5")]
    public void What_is_no_price_says_what_would_be(string text, string message) =>
        Assert.That(
            () => DecimalText.Parse("price", text, 1, "tick", (1L << 40) - 1),
            Throws.TypeOf<FormatException>().With.Message.EqualTo(message));

    [TestCase("1,000", 10_000)]
    [TestCase("1,234,567.8", 12_345_678)]
    [TestCase("1234567.8", 12_345_678)]
    public void Thousands_may_be_separated_as_we_print_them(string text, long ticks) =>
        Assert.That(DecimalText.Parse("price", text, 1, "tick", 1L << 40), Is.EqualTo(ticks));

    [TestCase("999", "999")]
    [TestCase("-999.5", "-999.5")]
    [TestCase("1000", "1,000")]
    [TestCase("-1234567.12345", "-1,234,567.12345")]
    public void Grouping_separates_the_thousands_of_the_whole_part(string plain, string grouped) =>
        Assert.That(DecimalText.Grouped(plain), Is.EqualTo(grouped));

    [Test]
    public void Every_multiple_of_the_tick_survives_the_way_there_and_back()
    {
        var random = new Random(1);
        for (int i = 0; i < 10_000; i++)
        {
            int decimals = random.Next(10);
            long units = random.NextInt64(1, 1L << 40);
            string text = DecimalText.Format(units, decimals);
            Assert.That(DecimalText.Parse("price", text, decimals, "tick", 1L << 40), Is.EqualTo(units));
        }
    }

    [TestCase("1250000000", "1,250.00")]
    [TestCase("900120000", "900.12")]
    [TestCase("1", "0.000001")]
    [TestCase("0", "0.00")]
    [TestCase("-1", "-0.000001")]
    [TestCase("-1234567890123", "-1,234,567.890123")]
    [TestCase("-123456000000", "-123,456.00")]
    [TestCase("170141183460469231731687303715884105727", "170,141,183,460,469,231,731,687,303,715,884.105727")]
    [TestCase("-170141183460469231731687303715884105727", "-170,141,183,460,469,231,731,687,303,715,884.105727")]
    public void Amounts_have_separators_and_no_idle_zeros(string microUsd, string text) =>
        Assert.That(DecimalText.FormatAmount(Int128.Parse(microUsd)), Is.EqualTo(text));
}
