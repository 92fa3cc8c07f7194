using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// The processes of each validator, to be ended by faults and brought back: signer and application are started again,
/// and when the application answers the engine is joined to them. Ending and mending may go on at the same time.
/// </summary>
internal sealed class ValidatorProcesses(
    RunOptions options, NetworkFiles files, ChildProcesses children, Func<EmbeddedNetwork?> network)
{
    private const int KillSignal = 9;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly Place[] _places = [.. Enumerable.Range(0, options.Validators).Select(static _ => new Place())];

    /// <summary>What is known of a validator: the processes that its engine was joined to.</summary>
    private sealed class Place
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public ChildProcess[]? Joined { get; set; }

        public Task Joining { get; set; } = Task.CompletedTask;
    }

    /// <summary>Whether the engines are processes, too.</summary>
    public bool HasEngine => options.Engine == EngineKind.CometBft;

    /// <summary>Application, signer and, where it is a process, engine.</summary>
    public string[] NamesOf(int validator) => [.. PartsOf(validator), .. EngineOf(validator)];

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

    /// <summary>Ends processes at once; returns how many of them were running.</summary>
    public async Task<int> KillAsync(int validator, params string[] names)
    {
        Place place = _places[validator];
        await place.Gate.WaitAsync().ConfigureAwait(false);
        try
        {
            place.Joined ??= Current(validator);
            Expect(validator);
            ChildProcess[] victims = [.. names.Select(children.Child).Where(static child => !child.Ended.IsCompleted)];
            foreach (ChildProcess victim in victims)
            {
                victim.Signal(KillSignal);
            }

            await Task.WhenAll(victims.Select(static victim => victim.Ended)).ConfigureAwait(false);
            return victims.Length;
        }
        finally
        {
            place.Gate.Release();
        }
    }

    /// <summary>Ends a validator in order: engine, signer, application.</summary>
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

    /// <summary>Starts what has ended; returns when the engine is joined.</summary>
    public async Task StartAsync(int validator, CancellationToken cancel)
    {
        while (!await MendAsync(validator, cancel).ConfigureAwait(false))
        {
            await Task.Delay(Poll, cancel).ConfigureAwait(false);
        }

        Forget(validator);
    }

    /// <summary>
    /// One step towards a whole validator: starts signer and application where they have ended, and joins the engine
    /// when they are others than it was joined to. True when nothing is left to do.
    /// </summary>
    public async Task<bool> MendAsync(int validator, CancellationToken cancel)
    {
        Place place = _places[validator];
        await place.Gate.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            Expect(validator);
            foreach (string name in PartsOf(validator).Reverse())
            {
                if (children.Child(name).Ended.IsCompleted)
                {
                    children.Restart(name);
                }
            }

            if (!place.Joining.IsCompleted)
            {
                return false;
            }

            ChildProcess[] current = Current(validator);
            bool isJoined = place.Joined?.SequenceEqual(current) == true && place.Joining.IsCompletedSuccessfully
                && IsEngineUp(validator);
            if (!isJoined && Answers(validator, cancel))
            {
                place.Joined = current;
                place.Joining = HasEngine
                    ? RestartEngineAsync(validator)
                    : Task.Run(() => network()!.Restart(validator), cancel);
            }

            return isJoined;
        }
        finally
        {
            place.Gate.Release();
        }
    }

    // CometBFT ends by itself when its application is gone; now and then it hangs in its own shutdown instead.
    private async Task RestartEngineAsync(int validator)
    {
        string name = EngineOf(validator)[0];
        ChildProcess engine = children.Child(name);
        engine.Signal(KillSignal);
        await engine.Ended.ConfigureAwait(false);
        File.Delete(SocketEndpoint.Parse(files.PrivvalAddress(validator)).UnixPath!);
        children.Restart(name);
    }

    private bool IsEngineUp(int validator) => HasEngine
        ? !children.Child(EngineOf(validator)[0]).Ended.IsCompleted
        : network()?.Node(validator) is { Failure: null };

    // CometBFT finds a signer that comes back by itself. The embedded engine is torn away from its signer with its
    // process.
    private ChildProcess[] Current(int validator) =>
        [.. PartsOf(validator).Take(HasEngine ? 1 : 2).Select(children.Child)];

    private bool Answers(int validator, CancellationToken cancel)
    {
        try
        {
            SocketEndpoint.Parse(files.AbciAddress(validator)).Connect(TimeSpan.Zero, cancel).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string[] PartsOf(int validator) => [Name("app", validator), Name("signer", validator)];

    private string[] EngineOf(int validator) => HasEngine ? [Name("cometbft", validator)] : [];

    private static string Name(string part, int validator) =>
        string.Create(CultureInfo.InvariantCulture, $"{part}{validator}");
}
