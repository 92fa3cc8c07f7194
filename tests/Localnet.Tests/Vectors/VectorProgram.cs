using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>
/// Records the vectors again: <c>./appchain record [SCENARIO…]</c>. Needs cometbft 0.38; takes some minutes. The
/// applications run in this process, so that they can die exactly at a call.
/// </summary>
internal static class VectorProgram
{
    /// <summary>Records into a folder.</summary>
    public static int Run(string folder, string[] names)
    {
        VectorScenario[] scenarios =
        [
            .. VectorScenario.All().Where(one => names.Length == 0 || names.Contains(one.Name)),
        ];
        if (scenarios.Length < names.Length)
        {
            Console.Error.WriteLine(
                $"usage: record [SCENARIO...]; there are "
                + $"{string.Join(", ", VectorScenario.All().Select(one => one.Name))}");
            return 2;
        }

        Directory.CreateDirectory(folder);
        foreach (VectorScenario scenario in scenarios) Record(scenario, folder);
        long bytes = Directory.GetFiles(folder).Sum(file => new FileInfo(file).Length);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes in {folder}"));
        return 0;
    }

    private static void Record(VectorScenario scenario, string folder)
    {
        long started = Stopwatch.GetTimestamp();
        string home = Directory.CreateTempSubdirectory("appchain-record-").FullName;
        try
        {
            using var network = new VectorNetwork(scenario, home);
            network.RunAsync().GetAwaiter().GetResult();
            foreach (int node in scenario.Applications)
                network.Nodes[node].Calls.Save(Path.Combine(folder, $"{scenario.Name}.node{node}.abci"));
            foreach (int node in scenario.Signers)
                network.Nodes[node].Signatures.Save(Path.Combine(folder, $"{scenario.Name}.node{node}.privval"));
            int calls = scenario.Applications.Sum(
                node => network.Nodes[node].Calls.Entries.Count(one => one.Kind == TapeKind.Request));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{scenario.Name}: height {network.Nodes[1].Height}, {calls} calls, "
                + $"{Stopwatch.GetElapsedTime(started).TotalSeconds:0} s"));
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }
}
