using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;

namespace AppChain.Node;

/// <summary>Reads the lines of a file of comma-separated values, plain or gzip, and tells where a bad one is.</summary>
internal static class FlowFile
{
    /// <summary>The lines that are not empty, split at commas, with the number each has in the file.</summary>
    /// <exception cref="FormatException">The file is neither text nor gzip.</exception>
    public static IEnumerable<(int Line, string[] Fields)> Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        bool isGzip = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        using Stream content = isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(content);
        int number = 0;
        while (NextLine(reader, path) is { } line)
        {
            number++;
            if (line.Length > 0)
            {
                yield return (number, line.Split(','));
            }
        }
    }

    /// <summary>True when the first field is no number: a line of column names.</summary>
    public static bool IsHeader(string[] fields) =>
        !decimal.TryParse(fields[0], NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>A whole number.</summary>
    /// <exception cref="FormatException">It is none; the message names file, line and column.</exception>
    public static long Whole(string path, int line, string[] fields, int column)
    {
        if (column < fields.Length
            && long.TryParse(
                fields[column], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value))
        {
            return value;
        }

        throw Bad(path, line, column, "a whole number");
    }

    /// <summary>A decimal number in whole units of 10^-decimals.</summary>
    /// <exception cref="FormatException">
    /// It is none, or finer than that; the message names file, line and column.
    /// </exception>
    public static long Scaled(string path, int line, string[] fields, int column, int decimals)
    {
        if (column < fields.Length
            && decimal.TryParse(fields[column], NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value))
        {
            for (int i = 0; i < decimals; i++)
            {
                value *= 10;
            }

            if (value == decimal.Truncate(value) && value is >= long.MinValue and <= long.MaxValue)
            {
                return (long)value;
            }
        }

        throw Bad(path, line, column, $"a number with at most {decimals} decimals");
    }

    private static FormatException Bad(string path, int line, int column, string wanted) =>
        new($"{path}, line {line}: column {column + 1} is not {wanted}");

    private static string? NextLine(StreamReader reader, string path)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (InvalidDataException cause)
        {
            throw new FormatException($"{path} is a damaged gzip file: {cause.Message}", cause);
        }
    }
}
