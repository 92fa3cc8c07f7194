using System;
using System.Globalization;
using System.Threading;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// The test assembly as a program: prints the lines of <see cref="GoldenChain"/>, so that a test can run them in
/// processes with other settings. Arguments: the block after which to restart, and <c>odd</c> for a culture in which
/// no number looks as usual.
/// </summary>
internal static class GoldenProgram
{
    private static int Main(string[] arguments)
    {
        if (arguments is [_, "odd"])
        {
            var odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            odd.NumberFormat.NegativeSign = "~";
            odd.NumberFormat.NumberDecimalSeparator = "·";
            odd.NumberFormat.NumberGroupSeparator = "'";
            odd.DateTimeFormat.ShortDatePattern = "dd/yyyy/MM";
            CultureInfo.DefaultThreadCurrentCulture = odd;
            Thread.CurrentThread.CurrentCulture = odd;
        }

        int restartAfter = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 0;
        foreach (string line in GoldenChain.Run(restartAfter))
        {
            Console.WriteLine(line);
        }

        return 0;
    }
}
