using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Localnet;

/// <summary>Takes a stopped validator back, as an operator would: the application first, then its engine.</summary>
internal static class Rollback
{
    /// <summary>
    /// Takes both back by some heights. The embedded engine keeps its blocks and executes them again.
    /// </summary>
    /// <exception cref="InvalidOperationException">One of the two refuses.</exception>
    public static async Task BackAsync(
        RunOptions options, NetworkFiles files, int validator, int heights, CancellationToken cancel)
    {
        string node = Path.Combine(AppContext.BaseDirectory, "AppChain.Node.dll");
        for (int i = 0; i < heights; i++)
        {
            string told = await RunAsync("dotnet", [node, "rollback", "--home", files.HomeOf(validator)], cancel)
                .ConfigureAwait(false);
            files.NoteRollback(validator, HeightIn(told));
            if (options.Engine == EngineKind.CometBft)
            {
                string home = CometBftHomes.HomeOf(files, validator);
                await RunAsync(options.CometBft, ["rollback", "--hard", "--home", home], cancel).ConfigureAwait(false);
            }
        }
    }

    // The verb says: height N, app hash …
    private static long HeightIn(string told) => long.Parse(told.Split(' ', ',')[1], CultureInfo.InvariantCulture);

    private static async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        Array.ForEach(arguments, start.ArgumentList.Add);
        using Process process = Process.Start(start)!;
        Task<string> said = process.StandardOutput.ReadToEndAsync(cancel);
        string complained = await process.StandardError.ReadToEndAsync(cancel).ConfigureAwait(false);
        await process.WaitForExitAsync(cancel).ConfigureAwait(false);
        string words = (await said.ConfigureAwait(false) + complained).Trim();
        Console.WriteLine($"{Path.GetFileName(program)} rollback: {words}");
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {words}");
        }

        return words;
    }
}
