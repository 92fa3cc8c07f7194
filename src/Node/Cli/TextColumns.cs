using System;
using System.Collections.Generic;
using System.Text;

namespace AppChain.Node;

/// <summary>
/// Columns of text: words begin at one edge, numbers stand with their decimal points under each other.
/// </summary>
internal static class TextColumns
{
    private const string Gap = "   ";

    /// <summary>
    /// A table: titles, a rule, rows. A column whose title begins with '&gt;' holds numbers.
    /// </summary>
    public static IEnumerable<string> Table(IReadOnlyList<string> titles, IReadOnlyList<string[]> rows)
    {
        var columns = new List<string[]>();
        for (int column = 0; column < titles.Count; column++)
        {
            bool isNumber = titles[column].StartsWith('>');
            var cells = new string[rows.Count];
            for (int row = 0; row < rows.Count; row++)
            {
                cells[row] = rows[row][column];
            }

            columns.Add(WithTitle(titles[column].TrimStart('>'), isNumber ? AlignNumbers(cells) : cells, isNumber));
        }

        for (int line = 0; line <= rows.Count; line++)
        {
            var text = new StringBuilder();
            foreach (string[] cells in columns)
            {
                text.Append(text.Length == 0 ? "" : Gap).Append(cells[line]);
            }

            string whole = text.ToString();
            yield return whole.TrimEnd();
            if (line == 0)
            {
                yield return new string('─', whole.Length);
            }
        }
    }

    /// <summary>
    /// The cells padded to one width: at their decimal points where all are numbers, otherwise to the right.
    /// </summary>
    public static string[] AlignNumbers(params string[] cells)
    {
        bool areNumbers = Array.TrueForAll(cells, static cell => !cell.AsSpan().ContainsAnyExcept("0123456789.,-"));
        int fraction = 0;
        foreach (string cell in cells)
        {
            fraction = Math.Max(fraction, areNumbers ? Fraction(cell) : 0);
        }

        var aligned = new string[cells.Length];
        int width = 0;
        for (int i = 0; i < cells.Length; i++)
        {
            aligned[i] = areNumbers ? cells[i] + new string(' ', fraction - Fraction(cells[i])) : cells[i];
            width = Math.Max(width, aligned[i].Length);
        }

        return Array.ConvertAll(aligned, cell => cell.PadLeft(width));
    }

    // The point and what follows it.
    private static int Fraction(string cell)
    {
        int point = cell.IndexOf('.', StringComparison.Ordinal);
        return point < 0 ? 0 : cell.Length - point;
    }

    private static string[] WithTitle(string title, string[] cells, bool isNumber)
    {
        int width = title.Length;
        foreach (string cell in cells)
        {
            width = Math.Max(width, cell.Length);
        }

        string[] all = [title, .. cells];
        return Array.ConvertAll(all, cell => isNumber ? cell.PadLeft(width) : cell.PadRight(width));
    }
}
