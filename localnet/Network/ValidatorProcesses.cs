using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>The processes of one validator after another, to be ended and started again by faults.</summary>
internal sealed class ValidatorProcesses(
    RunOptions options, NetworkFiles files, ChildProcesses children, Func<EmbeddedNetwork?> network)
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EnginePatience = TimeSpan.FromSeconds(5);

    /// <summary>Whether the engines are processes, too.</summary>
    public bool HasEngine => options.Engine == EngineKind.CometBft;

    /// <summary>Application, signer and, where it is a process, engine.</summary>
    public string[] NamesOf(int validator) => [Name("app", validator), Name("signer", validator), .. EngineOf(validator)];

    /// <summary>Sends a signal to processes of a validator.</summary>
    public void Signal(int signal, params string[] names)
    {
        foreach (string name in names)
        {
            children.Child(name).Signal(signal);
        }
    }

    /// <summary>From now on the end of a validator's processes is no problem of the run.</summary>
    public void Expect(int validator) => children.Expect(NamesOf(validator));

    /// <summary>From now on it is one again.</summary>
    public void Forget(int validator) => children.Forget(NamesOf(validator));

    /// <summary>Ends processes at once, and with an application its engine.</summary>
    public async Task KillAsync(int validator, params string[] names)
    {
        const int kill = 9;
        Expect(validator);
        Signal(kill, names);
        foreach (string name in names)
        {
            await children.Child(name).Ended.ConfigureAwait(false);
        }
    }

    /// <summary>Ends a validator in order: engine, application, signer.</summary>
    public async Task StopAsync(int validator)
    {
        Expect(validator);
        network()?.Crash(validator);
        foreach (string name in NamesOf(validator).Reverse())
        {
            children.Child(name).Ask();
            await children.Child(name).Ended.ConfigureAwait(false);
        }
    }

    /// <summary>Starts what has ended: signer, application and, when that answers, the engine.</summary>
    public async Task StartAsync(int validator, CancellationToken cancel)
    {
        if (HasEngine && children.Child(Name("app", validator)).Ended.IsCompleted)
        {
            await EndEngineAsync(children.Child(Name("cometbft", validator))).ConfigureAwait(false);
        }

        bool isEngineDown = !HasEngine || children.Child(Name("cometbft", validator)).Ended.IsCompleted;
        if (isEngineDown && HasEngine)
        {
            File.Delete(SocketEndpoint.Parse(files.PrivvalAddress(validator)).UnixPath!);
        }

        foreach (string name in NamesOf(validator).Take(2).Reverse())
        {
            if (children.Child(name).Ended.IsCompleted)
            {
                children.Restart(name);
            }
        }

        await AnswersAsync(validator, cancel).ConfigureAwait(false);
        if (isEngineDown && HasEngine)
        {
            children.Restart(Name("cometbft", validator));
        }
        else if (!HasEngine)
        {
            network()!.Restart(validator);
        }

        Forget(validator);
    }

    // CometBFT ends by itself when its application is gone; now and then it hangs in its own shutdown instead.
    private static async Task EndEngineAsync(ChildProcess engine)
    {
        const int kill = 9;
        await Task.WhenAny(engine.Ended, Task.Delay(EnginePatience)).ConfigureAwait(false);
        engine.Signal(kill);
        await engine.Ended.ConfigureAwait(false);
    }

    private async Task AnswersAsync(int validator, CancellationToken cancel)
    {
        DateTime limit = DateTime.UtcNow + StartPatience;
        while (true)
        {
            try
            {
                SocketEndpoint.Parse(files.AbciAddress(validator)).Connect(TimeSpan.Zero, cancel).Dispose();
                return;
            }
            catch (IOException) when (DateTime.UtcNow < limit)
            {
                await Task.Delay(20, cancel).ConfigureAwait(false);
            }
        }
    }

    private string[] EngineOf(int validator) => HasEngine ? [Name("cometbft", validator)] : [];

    private static string Name(string part, int validator) =>
        string.Create(CultureInfo.InvariantCulture, $"{part}{validator}");
}
