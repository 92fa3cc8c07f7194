using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// One more node that joins a running network of CometBFT nodes by state sync: it takes the newest snapshot of the
/// others and follows. Then guardians give it as much power as another has (VAULT-17), and it must sign.
/// </summary>
internal sealed class LateNode(RunOptions options, NetworkFiles files, string genesis, ChildProcesses children)
    : IDisposable
{
    // It follows when it is at most this many blocks behind.
    private const long BlocksBehindMax = 3;

    // Within so many blocks of its power it signs one.
    private const long BlocksToSign = 30;

    private readonly RpcClient _rpc = new(options.Ports.RpcAddress(options.Validators));

    private DateTime _started;
    private Task<(ByteString Address, long From)>? _vote;
    private string? _refusal;
    private long _height;

    // What it said of a height whose next header may not be there yet.
    private ApplicationInfo? _said;

    /// <summary>Height at which it was started; 0 before.</summary>
    public long StartedAt { get; private set; }

    /// <summary>Height of the snapshot that it restored; 0 before.</summary>
    public long Snapshot { get; private set; }

    /// <summary>Seconds from its start until it followed; 0 while it does not.</summary>
    public double SecondsToFollow { get; private set; }

    /// <summary>Heights at which its app hash was compared with that of the network.</summary>
    public int HeightsCompared { get; private set; }

    /// <summary>Heights at which it differed.</summary>
    public int Mismatches { get; private set; }

    /// <summary>First height that it votes at; 0 while it has no power.</summary>
    public long VotesFrom { get; private set; }

    /// <summary>First height whose commit has its signature; 0 before.</summary>
    public long SignedAt { get; private set; }

    /// <summary>Called after each block of the network: starts the node when it is time, then watches it.</summary>
    public async Task FollowAsync(long height, RpcClient network, CancellationToken cancel)
    {
        _height = height;
        if (height < options.Join)
        {
            return;
        }

        if (StartedAt == 0)
        {
            CommitAnswer trusted =
                await network.CommitAsync(Math.Max(1, height - (2 * options.SnapshotInterval)), cancel)
                .ConfigureAwait(false);
            Start(height, trusted);
            return;
        }

        try
        {
            ApplicationInfo info = await _rpc.ApplicationInfoAsync(cancel).ConfigureAwait(false);
            if (info.Height > 0)
            {
                await CompareAsync(info, height, network, cancel).ConfigureAwait(false);
            }
        }
        catch (Exception notYet) when (notYet is NodeUnreachableException or RpcException)
        {
            // Its RPC opens some time after the start.
        }

        await VoteAsync(height, network, cancel).ConfigureAwait(false);
    }

    /// <summary>What the report says of it.</summary>
    public JsonObject Report() => new()
    {
        ["started_at"] = StartedAt,
        ["snapshot"] = Snapshot,
        ["seconds_to_follow"] = Math.Round(SecondsToFollow, 1),
        ["heights_compared"] = HeightsCompared,
        ["mismatches"] = Mismatches,
        ["votes_from"] = VotesFrom,
        ["signed_at"] = SignedAt,
    };

    /// <summary>Why the run failed; null when the node joined.</summary>
    public string? Problem() =>
        Mismatches > 0 ? $"the late node differed at {Mismatches} heights"
        : SecondsToFollow == 0 ? "the late node did not follow; see its logs"
        : _refusal is not null ? $"the late node got no power: {_refusal}"
        : VotesFrom > 0 && SignedAt == 0 && _height > VotesFrom + BlocksToSign ? "the late node votes and never signed"
        : null;

    /// <inheritdoc/>
    public void Dispose() => _rpc.Dispose();

    private void Start(long height, CommitAnswer trusted)
    {
        int number = options.Validators;
        StartedAt = height;
        _started = DateTime.UtcNow;
        files.WriteLateConfig(number);
        CometBftHomes.WriteLate(options, files, genesis, trusted);
        string node = Path.Combine(AppContext.BaseDirectory, "AppChain.Node.dll");
        children.Start($"app{number}", "dotnet", [node, "start", "--home", files.HomeOf(number), "--until-eof"]);
        children.Start($"cometbft{number}", options.CometBft, ["start", "--home", CometBftHomes.HomeOf(files, number)]);
        Console.WriteLine(
            $"node{number} joins by state sync; its trusted height is {trusted.SignedHeader.Header.Height}");
    }

    // Guardians vote meanwhile; then commits are looked at until one has its signature.
    private async Task VoteAsync(long height, RpcClient network, CancellationToken cancel)
    {
        if (SecondsToFollow == 0 || SignedAt > 0)
        {
            return;
        }

        _vote ??= GivePowerAsync(network, cancel);
        if (!_vote.IsCompletedSuccessfully)
        {
            // A vote that the end of the run cuts off is none that failed.
            _refusal = _vote.Exception?.InnerException?.Message;
            return;
        }

        (ByteString address, VotesFrom) = await _vote.ConfigureAwait(false);
        CommitAnswer commit = await network.CommitAsync(height, cancel).ConfigureAwait(false);
        if (commit.IsSignedBy(address))
        {
            SignedAt = height;
            Console.WriteLine($"node{options.Validators} votes from height {VotesFrom} on and signed {height}");
        }
    }

    private async Task<(ByteString Address, long From)> GivePowerAsync(RpcClient network, CancellationToken cancel)
    {
        byte[] key = CometBftHomes.KeyOf(files, options.Validators);
        V1.ValidatorsResponse now = await network.ValidatorSetsAsync(cancel).ConfigureAwait(false);
        var joins = new PowerChange([.. key], (long)now.Sets[^1].Validators[0].Power, 0);
        await new GuardianVote(files, network).DecideAsync(new ValidatorPowers([joins]), cancel).ConfigureAwait(false);
        now = await network.ValidatorSetsAsync(cancel).ConfigureAwait(false);
        return (BlockHashes.Address(key), (long)now.Sets[^1].FromHeight);
    }

    // The app hash after block h is in the header of block h + 1.
    private async Task CompareAsync(ApplicationInfo info, long height, RpcClient network, CancellationToken cancel)
    {
        if (Snapshot == 0)
        {
            Snapshot = info.Height;
        }

        if (_said is { } said && said.Height < height)
        {
            BlockAnswer next = await network.BlockAsync(said.Height + 1, cancel).ConfigureAwait(false);
            HeightsCompared++;
            Mismatches += next.Block.Header.AppHash.Equals(said.AppHash) ? 0 : 1;
            _said = null;
        }

        _said ??= info;

        if (SecondsToFollow == 0 && height - info.Height <= BlocksBehindMax)
        {
            SecondsToFollow = (DateTime.UtcNow - _started).TotalSeconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"node{options.Validators} follows at height {info.Height}, {SecondsToFollow:0.0} s after its start"));
        }
    }
}
