using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;

namespace AppChain.Simulation;

/// <summary>A change of one source file of the product: a text that occurs in it exactly once, and what stands there
/// instead.</summary>
/// <param name="File">Path from the root of the repository.</param>
/// <param name="Find">Occurs once.</param>
/// <param name="Replace">Takes its place.</param>
internal sealed record Change(string File, string Find, string Replace);

/// <summary>
/// A product that differs from ours in a few lines: the sources of the changed projects are compiled once more with the
/// changes, and the simulator is started with the results beside it. So the product itself has no switch for tests, and
/// any line of it can be made wrong.
/// </summary>
internal static class Variant
{
    private static readonly string[] Projects =
    [
        "src/Hashing", "src/Margin", "src/Liquidation", "src/StateMachine", "src/Abci", "src/Hsm", "src/Node",
        "localnet",
    ];

    /// <summary>Root of the repository that this program was built in, or null.</summary>
    public static string? Root()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "AppChain.sln"))) return at.FullName;
        }
        return null;
    }

    /// <summary>Builds a variant and returns the path of its simulator.</summary>
    /// <param name="root">Root of the repository.</param>
    /// <param name="name">Directory of the result under artifacts/variants.</param>
    /// <param name="changes">What differs from the product.</param>
    /// <param name="basis">A simulator whose other assemblies it shares; null for that of the product.</param>
    /// <exception cref="InvalidOperationException">A change does not fit, or the result does not compile.</exception>
    public static string Build(string root, string name, IReadOnlyList<Change> changes, string? basis = null)
    {
        string product = Path.GetDirectoryName(basis) ?? Path.Combine(root, "artifacts/bin/Simulation/release");
        string target = Path.Combine(root, "artifacts/variants", name);
        string stamp = Path.Combine(target, "changes.txt");
        string wanted = Stamp(product, changes);
        string program = Path.Combine(target, "AppChain.Simulation.dll");
        if (File.Exists(stamp) && File.ReadAllText(stamp) == wanted) return program;

        Directory.CreateDirectory(target);
        foreach (string file in Directory.GetFiles(product))
        {
            if (Path.GetExtension(file) is ".dll" or ".json")
                File.Copy(file, Path.Combine(target, Path.GetFileName(file)), true);
        }
        foreach (string project in Projects)
        {
            List<Change> here =
            [
                .. changes.Where(change => change.File.StartsWith(project + "/", StringComparison.Ordinal)),
            ];
            if (here.Count > 0) Compile(root, project, here, product, target);
        }
        File.WriteAllText(stamp, wanted);
        return program;
    }

    /// <summary>Starts a simulator; its exit code and what it wrote.</summary>
    public static (int Code, string Output) Run(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(program);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    // A variant is as new as the product it was made from.
    private static string Stamp(string product, IReadOnlyList<Change> changes)
    {
        StringBuilder text = new();
        foreach (string file in Directory.GetFiles(product, "AppChain.*.dll").Order(StringComparer.Ordinal))
            text.Append(Path.GetFileName(file)).Append(' ').Append(File.GetLastWriteTimeUtc(file).Ticks).Append('\n');
        foreach (Change change in changes) text.Append(change).Append('\n');
        return text.ToString();
    }

    private static void Compile(string root, string project, List<Change> changes, string product, string target)
    {
        string name = Path.GetFileName(project) is "localnet" ? "Localnet" : Path.GetFileName(project);
        string sources = Path.Combine(target, "sources", name);
        Directory.CreateDirectory(sources);
        List<string> files = [.. SourcesOf(Path.Combine(root, project)),
            .. Directory.GetFiles(
                Path.Combine(root, "artifacts/obj", name, "release"), "*.cs", SearchOption.AllDirectories)];
        foreach (IGrouping<string, Change> file in changes.GroupBy(change => change.File))
        {
            string path = Path.Combine(root, file.Key);
            string text = File.ReadAllText(path);
            foreach (Change change in file) text = Apply(text, change);
            string changed = Path.Combine(sources, Path.GetFileName(path));
            File.WriteAllText(changed, text);
            int index = files.FindIndex(item => Path.GetFullPath(item) == Path.GetFullPath(path));
            files[index] = changed;
        }
        string assembly = $"AppChain.{name}.dll";
        string response = Path.Combine(sources, "csc.rsp");
        File.WriteAllLines(response, OptionsOf(assembly, product, target).Concat(files.Select(file => $"\"{file}\"")));
        // The compiler that builds have left running, where there is one, is ten times as quick as a new process.
        (int code, string output) = Run(Compiler(), ["-shared", "-noconfig", $"@{response}"]);
        if (code != 0) throw new InvalidOperationException($"{project} does not compile with the changes:\n{output}");
    }

    /// <summary>The text with the change made.</summary>
    /// <exception cref="InvalidOperationException">It does not fit: the text is not there, or not once.</exception>
    public static string Apply(string text, Change change)
    {
        int at = text.IndexOf(change.Find, StringComparison.Ordinal);
        if (at < 0 || text.IndexOf(change.Find, at + 1, StringComparison.Ordinal) >= 0)
            throw new InvalidOperationException($"{change.File} does not contain this exactly once:\n{change.Find}");
        return text[..at] + change.Replace + text[(at + change.Find.Length)..];
    }

    private static IEnumerable<string> SourcesOf(string directory) =>
        Directory.GetFiles(directory, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)
                && !file.Contains("/bin/", StringComparison.Ordinal));

    private static IEnumerable<string> OptionsOf(string assembly, string product, string target)
    {
        yield return "-nologo -nostdlib+ -target:library -langversion:14.0 -nullable:enable -checked+ -unsafe+";
        yield return "-optimize+ -deterministic+ -debug:embedded -warn:0 -nowarn:CS8002";
        yield return $"-out:\"{Path.Combine(target, assembly)}\"";
        foreach (string pack in (string[])["Microsoft.NETCore.App.Ref", "Microsoft.AspNetCore.App.Ref"])
        {
            string newest = Newest(Path.Combine(DotnetRoot(), "packs", pack));
            foreach (string file in Directory.GetFiles(
                Path.Combine(newest, "ref"), "*.dll", SearchOption.AllDirectories))
                yield return $"-reference:\"{file}\"";
            // The generators of library imports and regular expressions; those of web applications need more of a
            // build.
            string analyzers = Path.Combine(newest, "analyzers/dotnet/cs");
            if (!pack.StartsWith("Microsoft.NETCore", StringComparison.Ordinal)) continue;
            foreach (string file in Directory.GetFiles(analyzers, "*.dll")) yield return $"-analyzer:\"{file}\"";
        }
        foreach (string file in Directory.GetFiles(product, "*.dll"))
        {
            bool isOther = Path.GetFileName(file) != assembly && Path.GetFileName(file) != "AppChain.Simulation.dll";
            if (isOther) yield return $"-reference:\"{file}\"";
        }
    }

    private static string Compiler() =>
        Path.Combine(Newest(Path.Combine(DotnetRoot(), "sdk")), "Roslyn/bincore/csc.dll");

    // shared/Microsoft.NETCore.App/VERSION/System.Private.CoreLib.dll lies three levels below the root.
    private static string DotnetRoot() =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));

    private static string Newest(string directory) =>
        Directory.GetDirectories(directory).MaxBy(
            item => Version.TryParse(Path.GetFileName(item).Split('-')[0], out Version? version)
            ? version
            : new Version()) ?? throw new InvalidOperationException($"{directory} is empty; install dotnet-sdk-10.0");
}
