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
                ExchangeFigures.RawBook();
                return 0;
            case ["orders"]:
                ExchangeFigures.OrderPath();
                return 0;
            case [] or ["all"]:
                ExchangeFigures.RawBook();
                ExchangeFigures.OrderPath();
                TreeFigures.Print(Console.Out);
                return 0;
            default:
                Console.Error.WriteLine("usage: ./appchain bench [book|orders|tree|all]");
                return 2;
        }
    }
}
