using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;

namespace AppChain.Localnet;

/// <summary>
/// The network of a run while it lives: applications, signers and engine. The death of a process that no fault took
/// away ends the run; whatever happens, no process is left behind.
/// </summary>
internal sealed class RunningNetwork : IDisposable
{
    // BOUND: on a busy machine four applications take their time to start.
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(3);

    private readonly RunOptions _options;
    private readonly NetworkFiles _files;
    private readonly ChildProcesses _children;
    private readonly CancellationTokenSource _ended;
    private EmbeddedNetwork? _embedded;

    /// <summary>Starts nothing yet.</summary>
    public RunningNetwork(RunOptions options, NetworkFiles files, CancellationToken interrupted)
    {
        _options = options;
        _files = files;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        Ended = _ended.Token;
        Presence = new Presence(options.Validators);
        _children = new ChildProcesses(Path.Combine(options.Home, "logs"));
        _children.Died += Fail;
        _children.Lost += problem =>
        {
            if (options.IsPlain)
            {
                Console.Error.WriteLine($"the run goes on without {problem}");
            }
        };
        Processes = new ValidatorProcesses(options, files, _children, () => _embedded);
    }

    /// <summary>Ends when the run is interrupted or something died.</summary>
    public CancellationToken Ended { get; }

    /// <summary>What died, first; null while all lives.</summary>
    public string? Problem { get; private set; }

    /// <summary>Whom faults have taken away.</summary>
    public Presence Presence { get; }

    /// <summary>The validators' processes, for faults.</summary>
    public ValidatorProcesses Processes { get; }

    /// <summary>The node that joins later; null when none does.</summary>
    public LateNode? Late { get; private set; }

    /// <summary>Starts everything; returns when the engine runs.</summary>
    public async Task StartAsync(RunPlan plan)
    {
        StartValidators(plan);
        if (_options.Engine == EngineKind.Embedded)
        {
            TimeSpan wait = plan.Epoch - DateTimeOffset.UtcNow;
            await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Ended).ConfigureAwait(false);
            _embedded = StartEmbedded(plan);
        }
        else
        {
            CometBftHomes.Write(_options, _files, plan.Genesis);
            for (int i = 0; i < _options.Validators; i++)
            {
                _children.Start($"cometbft{i}", _options.CometBft,
                    ["start", "--home", CometBftHomes.HomeOf(_files, i)]);
            }
        }

        Late = _options.Join > 0 ? new LateNode(_options, _files, plan.Genesis, _children) : null;
    }

    /// <summary>Ends everything; afterwards the logs of all are whole.</summary>
    public void Stop()
    {
        Late?.Dispose();
        _embedded?.Dispose();
        _embedded = null;
        _children.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _ended.Dispose();
    }

    private void Fail(string problem)
    {
        Problem ??= problem;
        _ended.Cancel();
    }

    private void StartValidators(RunPlan plan)
    {
        string node = Path.Combine(AppContext.BaseDirectory, "AppChain.Node.dll");
        long wall = plan.Clock.Epoch;
        for (int i = 0; i < _options.Validators; i++)
        {
            _files.WriteConfig(
                i, plan.Prices.Files, plan.Prices.Start, wall, _options.Engine == EngineKind.Embedded ? wall : 0);
            _children.Start($"app{i}", "dotnet", [node, "start", "--home", _files.HomeOf(i), "--until-eof"],
                Environment());
            for (int j = 0; j < _options.Signers; j++)
            {
                _children.Start(
                    _options.Signers == 1 ? $"signer{i}" : $"signer{i}-{j}",
                    "dotnet",
                    [node, "signer", .. _files.SignerOptions(i, j), "--until-eof"],
                    Environment(_files.SignerEnvironment(i, j)),
                    isSpare: _options.Signers > 1);
            }
        }
    }

    // A runtime that is killed leaves the sockets of its diagnostics behind, for ever.
    private Dictionary<string, string> Environment(IReadOnlyDictionary<string, string>? others = null)
    {
        var variables = new Dictionary<string, string>(others ?? new Dictionary<string, string>());
        if (_options.HasFaults)
        {
            variables["DOTNET_EnableDiagnostics"] = "0";
        }

        return variables;
    }

    private EmbeddedNetwork StartEmbedded(RunPlan plan)
    {
        var validators = new List<EmbeddedValidatorOptions>();
        for (int i = 0; i < _options.Validators; i++)
        {
            validators.Add(new EmbeddedValidatorOptions
            {
                Home = Path.Combine(_files.HomeOf(i), "engine"),
                AbciAddress = _files.AbciAddress(i),
                PrivvalAddress = _files.PrivvalAddress(i),
                RpcPort = _options.Ports.Rpc(i),
                Moniker = string.Create(CultureInfo.InvariantCulture, $"node{i}"),
            });
        }

        return EmbeddedNetwork.Start(
            new EmbeddedNetworkOptions
            {
                Genesis = plan.Genesis,
                Validators = validators,
                Speed = _options.Speed,
                Timeouts = new ConsensusTimeouts
                {
                    Commit = TimeSpan.FromMilliseconds(_options.Pause),
                    SkipCommit = _options.Pause == 0,
                },
                Patience = StartPatience,
                // The chain's clock begins with the replay: what has passed since then belongs to it.
                ClockStart = plan.Clock.Epoch,
                ClockEpoch = plan.Clock.Epoch,
            },
            network => network.Failed += (validator, failure) =>
            {
                if (!Presence.IsAway(validator))
                {
                    Fail($"validator {validator}: {failure.Message}");
                }
            });
    }
}
