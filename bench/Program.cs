using System;

namespace AppChain.Bench;

/// <summary>Figures of the block path; each prints its conditions. Run as ./appchain bench NAME.</summary>
internal static class Program
{
    private const string Usage =
        "usage: ./appchain bench [book|orders|oracle|node|tree|queries|transports|signer|snapshots "
        + "[ACCOUNTS]|all]";

    private static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["oracle"]:
                OracleFigures.Print();
                return 0;
            case ["node"]:
                NodeFigures.Print();
                return 0;
            case ["tree"]:
                TreeFigures.Print(Console.Out);
                return 0;
            case ["book"]:
                BookFigures.Print();
                return 0;
            case ["orders"]:
                OrderFigures.Print();
                return 0;
            case ["queries"]:
                QueryFigures.Print();
                return 0;
            case ["transports"]:
                TransportFigures.Print();
                return 0;
            case ["signer"]:
                SignerFigures.Print();
                return 0;
            case ["snapshots"]:
                SnapshotFigures.Print(1_000_000);
                return 0;
            case ["snapshots", string accounts]:
                SnapshotFigures.Print(int.Parse(accounts, System.Globalization.CultureInfo.InvariantCulture));
                return 0;
            case [] or ["all"]:
                BookFigures.Print();
                OrderFigures.Print();
                OracleFigures.Print();
                NodeFigures.Print();
                TreeFigures.Print(Console.Out);
                return 0;
            case ["--help" or "-h" or "-?"]:
                Console.WriteLine(Usage);
                return 0;
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }
}
