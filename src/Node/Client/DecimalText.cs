using System;
using System.Globalization;
using System.Text;

namespace AppChain.Node;

/// <summary>
/// Numbers as people write them, converted exactly to and from whole units: ticks, lots, micro-USD. Never through a
/// floating-point number.
/// </summary>
public static class DecimalText
{
    /// <summary>Decimals of an amount in USD.</summary>
    public const int AmountDecimals = 6;

    private const int DigitsMax = 30;

    /// <summary>
    /// The whole units that a decimal stands for.
    /// </summary>
    /// <param name="what">What the number is, for messages: "price".</param>
    /// <param name="text">Digits with at most one point, such as 50000.5 or 50,000.5.</param>
    /// <param name="decimals">One unit is 10^-decimals.</param>
    /// <param name="unit">What one unit is called, for messages: "tick".</param>
    /// <param name="highest">Largest number of units.</param>
    /// <exception cref="FormatException">
    /// No number, no multiple of the unit, zero, or too large; the message says what would be right.
    /// </exception>
    public static long Parse(string what, string text, int decimals, string unit, long highest)
    {
        string ungrouped = text.Replace(",", "", StringComparison.Ordinal);
        text = text == Grouped(ungrouped) ? ungrouped : text;
        int point = text.IndexOf('.', StringComparison.Ordinal);
        ReadOnlySpan<char> whole = point < 0 ? text : text.AsSpan(0, point);
        ReadOnlySpan<char> fraction = point < 0 ? "" : text.AsSpan(point + 1);
        bool isNumber = whole.Length + fraction.Length is > 0 and <= DigitsMax
            && !whole.ContainsAnyExceptInRange('0', '9')
            && !fraction.ContainsAnyExceptInRange('0', '9');
        if (!isNumber)
        {
            throw new FormatException($"{what} '{text}' is not a number such as 12.5");
        }

        Int128 units = 0;
        foreach (char digit in whole)
        {
            units = (units * 10) + (digit - '0');
        }

        for (int i = 0; i < decimals; i++)
        {
            units = (units * 10) + (i < fraction.Length ? fraction[i] - '0' : 0);
        }

        if (fraction.Length > decimals && fraction[decimals..].ContainsAnyExcept('0'))
        {
            string below = units == 0 ? "" : $"{Format(units, decimals)} and ";
            throw new FormatException(
                $"{what} {text} is not a multiple of the {unit} {Format(1, decimals)}; "
                + $"nearest {(units == 0 ? "is" : "are")} {below}{Format(units + 1, decimals)}");
        }

        if (units == 0)
        {
            throw new FormatException($"{what} must be above zero");
        }

        if (units > highest)
        {
            throw new FormatException($"{what} {text} is above the highest possible, {Format(highest, decimals)}");
        }

        return (long)units;
    }

    /// <summary>Whole units as a decimal with exactly this many places: 500005 with 1 is 50000.5.</summary>
    public static string Format(Int128 units, int decimals)
    {
        string digits = Int128.Abs(units).ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        string sign = units < 0 ? "-" : "";
        return decimals == 0 ? sign + digits : $"{sign}{digits[..^decimals]}.{digits[^decimals..]}";
    }

    /// <summary>
    /// Micro-USD as USD with thousands separated, two places, and more only where they are not zero: 1,250.00.
    /// </summary>
    public static string FormatAmount(Int128 microUsd)
    {
        string plain = Format(microUsd, AmountDecimals);
        int point = plain.IndexOf('.', StringComparison.Ordinal);
        return $"{Grouped(plain[..point])}.{plain[(point + 1)..].TrimEnd('0').PadRight(2, '0')}";
    }

    /// <summary>A decimal with commas between the thousands: 60000.5 is 60,000.5.</summary>
    public static string Grouped(string plain)
    {
        int point = plain.IndexOf('.', StringComparison.Ordinal);
        var text = new StringBuilder(plain);
        int first = plain.StartsWith('-') ? 1 : 0;
        for (int at = (point < 0 ? plain.Length : point) - 3; at > first; at -= 3)
        {
            text.Insert(at, ',');
        }

        return text.ToString();
    }

    /// <summary>Decimal text of an amount in a response, as a number.</summary>
    /// <exception cref="NodeUnreachableException">It is none: the node is of another version.</exception>
    public static Int128 ParseAmount(string microUsd) =>
        Int128.TryParse(microUsd, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out Int128 amount)
            ? amount
            : throw new NodeUnreachableException($"the node gave '{microUsd}' where an amount should be");
}
