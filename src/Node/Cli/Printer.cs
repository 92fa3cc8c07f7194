using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Spectre.Console;

namespace AppChain.Node;

/// <summary>Prints answers: tables and lines for people, or one JSON value.</summary>
internal sealed class Printer(Shell shell, bool isJson)
{
    private const int WidthOfFile = 200;

    private static readonly JsonFormatter Messages = new(
        JsonFormatter.Settings.Default
            .WithFormatDefaultValues(true)
            .WithPreserveProtoFieldNames(true)
            .WithIndentation());

    private IAnsiConsole? _console;

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
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            write(json);
        }

        shell.Out.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>
    /// Prints a table. A column whose title begins with '&gt;' holds numbers and is aligned to the right.
    /// </summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<string[]> rows, string whenEmpty)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (string column in columns)
        {
            bool isNumber = column.StartsWith('>');
            table.AddColumn(new TableColumn(Markup.Escape(isNumber ? column[1..] : column))
            {
                Alignment = isNumber ? Justify.Right : Justify.Left,
                NoWrap = true,
            });
        }

        foreach (string[] row in rows)
        {
            table.AddRow(Array.ConvertAll(row, Markup.Escape));
        }

        if (table.Rows.Count == 0)
        {
            Line(whenEmpty);
            return;
        }

        Console().Write(table);
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
            Line($"{name.PadRight(width)}  {value}");
        }
    }

    private IAnsiConsole Console()
    {
        if (_console is null)
        {
            _console = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(shell.Out),
                Ansi = shell.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
                Interactive = InteractionSupport.No,
            });
            if (!shell.IsTerminal)
            {
                _console.Profile.Width = WidthOfFile;
            }
        }

        return _console;
    }
}
