using System;

namespace AppChain.Bench;

/// <summary>Figures of the block path; each prints its conditions. Run as ./appchain bench NAME.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["tree"]:
                TreeFigures.Print(Console.Out);
                return 0;
            case ["book"]:
                BookFigures.Print();
                return 0;
            case ["orders"]:
                OrderFigures.Print();
                return 0;
            case [] or ["all"]:
                BookFigures.Print();
                OrderFigures.Print();
                TreeFigures.Print(Console.Out);
                return 0;
            default:
                Console.Error.WriteLine("usage: ./appchain bench [book|orders|tree|all]");
                return 2;
        }
    }
}
