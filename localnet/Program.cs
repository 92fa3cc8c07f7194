using System;
using System.CommandLine;
using System.CommandLine.Help;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>The verb localnet.</summary>
internal static class Program
{
    // A run ends its children one by one; a second is not enough for all of them.
    private static readonly InvocationConfiguration Invocation = new()
    {
        ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
    };

    private static int Main(string[] arguments)
    {
        var command = new LocalnetCommand();
        command.SetAction(async (parsed, cancel) =>
        {
            try
            {
                return await new LocalnetRun(command.OptionsOf(parsed)).RunAsync(cancel).ConfigureAwait(false);
            }
            catch (ArgumentException wrong)
            {
                await Console.Error.WriteLineAsync($"appchain: {wrong.Message}").ConfigureAwait(false);
                return ExitCode.Usage;
            }
        });
        var root = new Command("appchain", "The part of ./appchain that runs networks.") { new HelpOption(), command };
        ParseResult parsed = root.Parse([command.Name, .. arguments]);
        if (parsed.Errors.Count == 0)
        {
            return parsed.Invoke(Invocation);
        }

        foreach (string line in ParseProblems.Of(parsed))
        {
            Console.Error.WriteLine(line);
        }

        return ExitCode.Usage;
    }
}
