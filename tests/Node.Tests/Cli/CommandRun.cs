using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;

namespace AppChain.Node.Tests.Cli;

/// <summary>Runs commands in process, in a directory of their own, and keeps what they printed.</summary>
internal sealed class CommandRun : IDisposable
{
    public string Home { get; } = Directory.CreateTempSubdirectory("appchain-cli-").FullName;

    public Dictionary<string, string> Variables { get; } = [];

    public string Input { get; set; } = "";

    public Queue<string>? Secrets { get; set; }

    public string Out { get; private set; } = "";

    public string Error { get; private set; } = "";

    public async Task<int> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var shell = new Shell
        {
            Out = output,
            Error = error,
            In = new StringReader(Input),
            Variable = name => name == "APPCHAIN_HOME" ? Home : Variables.GetValueOrDefault(name),
            AskSecret = Secrets is null ? null : question =>
            {
                error.Write(question);
                return Secrets.Dequeue();
            },
        };
        int code = await CommandLine.RunAsync(arguments, shell);
        Out = output.ToString();
        Error = error.ToString();
        return code;
    }

    public string WriteFile(string name, string content)
    {
        string path = Path.Combine(Home, name);
        File.WriteAllText(path, content);
        return path;
    }

    public void Dispose() => Directory.Delete(Home, recursive: true);
}
