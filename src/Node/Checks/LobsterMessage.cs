using System;
using System.Collections.Generic;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>A line of a LOBSTER message file.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Time">As in the file: seconds after midnight.</param>
/// <param name="Type">
/// 1 new, 2 partial cancel, 3 delete, 4 execution, 5 hidden execution, 6 cross trade, 7 halt.
/// </param>
/// <param name="Id">Of the order.</param>
/// <param name="Quantity">Shares.</param>
/// <param name="Price">Ten-thousandths of a dollar.</param>
/// <param name="Side">Of the resting order.</param>
internal readonly record struct LobsterMessage(
    int Line, string Time, int Type, ulong Id, long Quantity, long Price, Side Side)
{
    /// <summary>The messages of a file, which may begin with a header.</summary>
    /// <exception cref="FormatException">A line has another shape.</exception>
    public static IEnumerable<LobsterMessage> Read(string path)
    {
        bool isFirst = true;
        foreach ((int line, string[] fields) in FlowFile.Read(path))
        {
            bool isHeader = isFirst && FlowFile.IsHeader(fields);
            isFirst = false;
            if (isHeader)
            {
                continue;
            }

            long type = FlowFile.Whole(path, line, fields, 1);
            if (type is < 1 or > 7)
            {
                throw new FormatException($"{path}, line {line}: event type {type} is none of 1 to 7");
            }

            long direction = FlowFile.Whole(path, line, fields, 5);
            yield return new LobsterMessage(
                line,
                fields[0],
                (int)type,
                unchecked((ulong)FlowFile.Whole(path, line, fields, 2)),
                FlowFile.Whole(path, line, fields, 3),
                FlowFile.Whole(path, line, fields, 4),
                direction > 0 ? Side.Buy : Side.Sell);
        }
    }
}
