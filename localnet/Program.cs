using System;
using System.CommandLine;

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
                return 2;
            }
        });
        return command.Parse(arguments).Invoke(Invocation);
    }
}
