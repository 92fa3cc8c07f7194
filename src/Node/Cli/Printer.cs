using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>Prints answers: tables and lines for people, or one JSON value.</summary>
internal sealed class Printer(Shell shell, bool isJson)
{
    private static readonly JsonFormatter Messages = new(
        JsonFormatter.Settings.Default
            .WithFormatDefaultValues(true)
            .WithPreserveProtoFieldNames(true)
            .WithIndentation());

    // Readable: a quotation mark of a message is no danger outside of HTML.
    private static readonly JsonWriterOptions Written = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The answer is to be one JSON value.</summary>
    public bool IsJson { get; } = isJson;

    /// <summary>Prints a line for people.</summary>
    public void Line(string text = "") => shell.Out.WriteLine(text);

    /// <summary>Prints a response as JSON, with the names of query.proto.</summary>
    public void Json(IMessage message) => shell.Out.WriteLine(Messages.Format(message));

    /// <summary>Prints a JSON value.</summary>
    public void Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Written))
        {
            write(json);
        }

        shell.Out.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>
    /// Prints a table. A column whose title begins with '&gt;' holds numbers and is aligned at their points.
    /// </summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<string[]> rows, string whenEmpty)
    {
        string[][] all = [.. rows];
        if (all.Length == 0)
        {
            Line(whenEmpty);
            return;
        }

        foreach (string line in TextColumns.Table(columns, all))
        {
            Line(line);
        }
    }

    /// <summary>Prints names and values, one pair a line.</summary>
    public void Pairs(params ReadOnlySpan<(string Name, string Value)> pairs)
    {
        int width = 0;
        foreach ((string name, _) in pairs)
        {
            width = Math.Max(width, name.Length);
        }

        foreach ((string name, string value) in pairs)
        {
            Line($"{name.PadRight(width)}  {value}".TrimEnd());
        }
    }
}
