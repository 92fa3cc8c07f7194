using System.CommandLine;

namespace AppChain.Node;

/// <summary>The command line: one family of verbs a file.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        var root = new RootCommand("AppChain: a derivatives chain. Run ./appchain localnet for four validators on this machine.");
        foreach (Command command in NodeCommands.Create())
        {
            root.Add(command);
        }

        return root.Parse(arguments).Invoke();
    }
}
