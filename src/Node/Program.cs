using System.Threading.Tasks;

namespace AppChain.Node;

internal static class Program
{
    private static Task<int> Main(string[] arguments) => CommandLine.RunAsync(arguments, Shell.OfProcess());
}
