using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// One more node that joins a running network of CometBFT nodes by state sync: it has no key of a validator, takes the
/// newest snapshot of the others, and follows.
/// </summary>
internal sealed class LateNode(RunOptions options, NetworkFiles files, string genesis, ChildProcesses children)
    : IDisposable
{
    // It follows when it is at most this many blocks behind.
    private const long BlocksBehindMax = 3;

    private readonly RpcClient _rpc = new(options.Ports.RpcAddress(options.Validators));

    private DateTime _started;

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

    /// <summary>Called after each block of the network: starts the node when it is time, then watches it.</summary>
    public async Task FollowAsync(long height, RpcClient network, CancellationToken cancel)
    {
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
    }

    /// <summary>What the report says of it.</summary>
    public JsonObject Report() => new()
    {
        ["started_at"] = StartedAt,
        ["snapshot"] = Snapshot,
        ["seconds_to_follow"] = Math.Round(SecondsToFollow, 1),
        ["heights_compared"] = HeightsCompared,
        ["mismatches"] = Mismatches,
    };

    /// <summary>Why the run failed; null when the node joined.</summary>
    public string? Problem() =>
        Mismatches > 0 ? $"the late node differed at {Mismatches} heights"
        : SecondsToFollow == 0 ? "the late node did not follow; see its logs"
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
