using System;

namespace AppChain.Bench;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["tree"])
        {
            TreeFigures.Print(Console.Out);
        }

        return 0;
    }
}
