using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;
using Block = AppChain.Abci.Wire.Types.Block;

namespace AppChain.Localnet;

/// <summary>What the run learnt about one market's oracle.</summary>
internal sealed class OracleRecord
{
    /// <summary>Updates accepted.</summary>
    public long Updates { get; set; }

    /// <summary>State after the newest block that changed it.</summary>
    public string State { get; set; } = "none";

    /// <summary>Newest index price, ticks.</summary>
    public long LastPrice { get; set; }

    /// <summary>
    /// Most blocks in a row whose index price was outside the prices that the same block carried, by more than the
    /// tick: 0 when each price was enforced in the block that carried it.
    /// </summary>
    public long MaxEnforcementDelayBlocks { get; set; }

    /// <summary>Blocks now in such a row.</summary>
    public long Delay { get; set; }
}

/// <summary>
/// Follows the chain through the RPC of every validator: compares the app hashes that the applications computed, and
/// counts what happened from the events of the blocks.
/// </summary>
internal sealed class Monitor(IReadOnlyList<RpcClient> nodes, Presence presence)
{
    private const int StepsMax = 32;

    private readonly List<double> _intervals = [];
    private readonly SortedSet<long> _mismatches = [];
    private readonly List<ByteString> _blocks = [];

    // What one validator computed and the others have not been asked about yet.
    private readonly Queue<(long Height, ByteString AppHash, ByteString Block)>[] _open =
        [.. nodes.Select(static _ => new Queue<(long, ByteString, ByteString)>())];

    private long _lastArrival;
    private long _height;

    /// <summary>Committed blocks that a validator no longer has, or has others in the place of.</summary>
    public long Lost { get; private set; }

    /// <summary>Evidence of misbehaviour in blocks.</summary>
    public long Evidence { get; private set; }

    /// <summary>Heights whose app hash was compared on all validators.</summary>
    public long HeightsChecked => _height - _open.Max(static open => open.Count);

    /// <summary>Heights at which two validators differed in app hash or block.</summary>
    public long Mismatches => _mismatches.Count;

    /// <summary>User transactions in blocks that were executed with success.</summary>
    public long Committed { get; private set; }

    /// <summary>User transactions in blocks that were refused, by code.</summary>
    public SortedDictionary<uint, long> Refused { get; } = [];

    /// <summary>Fills.</summary>
    public long Fills { get; private set; }

    /// <summary>Accounts found below maintenance margin.</summary>
    public long Liquidations { get; private set; }

    /// <summary>Deleveragings.</summary>
    public long Deleveragings { get; private set; }

    /// <summary>Oracle of each market, by number.</summary>
    public SortedDictionary<uint, OracleRecord> Oracles { get; } = [];

    /// <summary>The newest steps of liquidations, oldest first, with their heights.</summary>
    public Queue<(long Height, Event Step)> Steps { get; } = new();

    /// <summary>App hash after the newest height, upper-case hex.</summary>
    public string AppHash { get; private set; } = "";

    /// <summary>Whether each validator had the app hash of the first one at the newest height.</summary>
    public bool[] Agrees { get; } = new bool[nodes.Count];

    /// <summary>Wall milliseconds between blocks, as seen here.</summary>
    public IReadOnlyList<double> Intervals => _intervals;

    /// <summary>
    /// Waits until a validator that is not away has the height and takes it in; then compares with the others that are
    /// not away, from the first height on that they were not asked about.
    /// </summary>
    public async Task FollowAsync(long height, CancellationToken cancel)
    {
        (int source, ResponseFinalizeBlock results, BlockAnswer block) = await FirstAsync(height, cancel)
            .ConfigureAwait(false);
        NoteArrival();
        Link(block.Block);
        Take(height, results, block.Id.Hash, block.Block.Data.Txs, source);
        for (int i = 0; i < nodes.Count; i++)
        {
            await CatchUpAsync(i, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Asks every validator once more for every block that was seen: what was committed must still be there.
    /// </summary>
    public async Task RereadAsync(CancellationToken cancel) =>
        Lost += (await Task.WhenAll(nodes.Select(node => CountLostAsync(node, cancel))).ConfigureAwait(false)).Sum();

    private async Task<int> CountLostAsync(RpcClient node, CancellationToken cancel)
    {
        int lost = 0;
        for (int i = 0; i < _blocks.Count; i++)
        {
            BlockAnswer block = await node.BlockAsync(i + 1, cancel).ConfigureAwait(false);
            lost += block.Id.Hash == _blocks[i] ? 0 : 1;
        }

        return lost;
    }

    // Asks a validator about every open height, unless a fault takes it away.
    private async Task CatchUpAsync(int validator, CancellationToken cancel)
    {
        RpcClient node = nodes[validator];
        while (!presence.IsAway(validator) && _open[validator].TryPeek(out (long Height, ByteString, ByteString) next))
        {
            try
            {
                ResponseFinalizeBlock results = await node.BlockResultsAsync(next.Height, cancel).ConfigureAwait(false);
                BlockAnswer block = await node.BlockAsync(next.Height, cancel).ConfigureAwait(false);
                Compare(validator, results.AppHash, block.Id.Hash);
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                // Not there yet.
                await Task.Delay(15, cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Notes the evidence that the next block carries, and whether it follows from the newest one that was seen.
    /// </summary>
    internal void Link(Block block)
    {
        if (_blocks.Count > 0 && block.Header.LastBlockId.Hash != _blocks[^1])
        {
            Lost++;
        }

        Evidence += block.Evidence.Evidence.Count;
    }

    /// <summary>
    /// Takes in what the first validator to tell says of a height, and the transactions of its block.
    /// </summary>
    internal void Take(
        long height, ResponseFinalizeBlock results, ByteString block, IReadOnlyList<ByteString> transactions,
        int source = 0)
    {
        _height = height;
        _blocks.Add(block);
        AppHash = Convert.ToHexString(results.AppHash.Span);
        for (int i = 0; i < _open.Length; i++)
        {
            if (i == source)
            {
                Agrees[i] = true;
            }
            else
            {
                _open[i].Enqueue((height, results.AppHash, block));
            }
        }

        Count(transactions, results);
    }

    /// <summary>Takes in what another validator says of the first height for which it was not asked.</summary>
    internal void Compare(int validator, ByteString appHash, ByteString block)
    {
        (long height, ByteString expected, ByteString expectedBlock) = _open[validator].Dequeue();
        Agrees[validator] = appHash == expected && block == expectedBlock;
        if (!Agrees[validator])
        {
            _mismatches.Add(height);
        }
    }

    private void NoteArrival()
    {
        long now = Stopwatch.GetTimestamp();
        if (_lastArrival != 0)
        {
            _intervals.Add(Stopwatch.GetElapsedTime(_lastArrival, now).TotalMilliseconds);
        }

        _lastArrival = now;
    }

    // What the first validator that is not away and has the height says of it.
    private async Task<(int Source, ResponseFinalizeBlock Results, BlockAnswer Block)> FirstAsync(
        long height, CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            int source = 0;
            while (source < nodes.Count - 1 && presence.IsAway(source))
            {
                source++;
            }

            try
            {
                ResponseFinalizeBlock results = await nodes[source].BlockResultsAsync(height, cancel)
                    .ConfigureAwait(false);
                return (source, results, await nodes[source].BlockAsync(height, cancel).ConfigureAwait(false));
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                // Not there yet.
                await Task.Delay(15, cancel).ConfigureAwait(false);
            }
        }
    }

    private void Count(IReadOnlyList<ByteString> transactions, ResponseFinalizeBlock results)
    {
        var reported = new SortedDictionary<uint, (long Low, long High)>();
        for (int i = 0; i < results.TxResults.Count; i++)
        {
            if (i == 0 && PriceUpdate.IsClaimedBy(transactions[0].Span))
            {
                reported = Ranges(transactions[0]);
                continue;
            }

            uint code = results.TxResults[i].Code;
            if (code == 0)
            {
                Committed++;
            }
            else
            {
                Refused[code] = Refused.GetValueOrDefault(code) + 1;
            }

            foreach (Event happened in results.TxResults[i].Events)
            {
                Count(happened);
            }
        }

        foreach (Event happened in results.Events)
        {
            Count(happened);
        }

        foreach (KeyValuePair<uint, (long Low, long High)> market in reported)
        {
            OracleRecord oracle = OracleOf(market.Key);
            bool isEnforced = oracle.LastPrice >= market.Value.Low - 1 && oracle.LastPrice <= market.Value.High + 1;
            oracle.Delay = isEnforced ? 0 : oracle.Delay + 1;
            oracle.MaxEnforcementDelayBlocks = Math.Max(oracle.MaxEnforcementDelayBlocks, oracle.Delay);
        }
    }

    private void Count(Event happened)
    {
        if (happened.Type is "appchain.v1.LiquidationOpened" or "appchain.v1.LiquidationSlice"
            or "appchain.v1.InsuranceFundChanged" or "appchain.v1.Deleveraging" or "appchain.v1.LiquidationClosed")
        {
            Steps.Enqueue((_height, happened));
            if (Steps.Count > StepsMax)
            {
                Steps.Dequeue();
            }
        }

        switch (happened.Type)
        {
            case "appchain.v1.Fill":
                Fills++;
                break;
            case "appchain.v1.LiquidationOpened":
                Liquidations++;
                break;
            case "appchain.v1.Deleveraging":
                Deleveragings++;
                break;
            case "appchain.v1.OracleUpdated" or "appchain.v1.OracleStateChanged":
                OracleRecord oracle = OracleOf(uint.Parse(Attribute(happened, "market"), CultureInfo.InvariantCulture));
                oracle.Updates += happened.Type == "appchain.v1.OracleUpdated" ? 1 : 0;
                oracle.State = Attribute(happened, "state");
                oracle.LastPrice = long.Parse(Attribute(happened, "price"), CultureInfo.InvariantCulture);
                break;
            default:
                break;
        }
    }

    // The lowest and highest price in a price update, by market.
    private static SortedDictionary<uint, (long Low, long High)> Ranges(ByteString update)
    {
        var ranges = new SortedDictionary<uint, (long Low, long High)>();
        foreach (PriceUpdateEntry entry in PriceUpdate.Decode(update.Span)?.Entries ?? [])
        {
            if (entry.IsPresent && PriceVote.TryDecode(entry.Extension, out ImmutableArray<PriceReport> reports))
            {
                foreach (PriceReport report in reports)
                {
                    (long low, long high) = ranges.GetValueOrDefault(report.Market, (long.MaxValue, 0));
                    ranges[report.Market] = (Math.Min(low, report.Price), Math.Max(high, report.Price));
                }
            }
        }

        return ranges;
    }

    private OracleRecord OracleOf(uint market)
    {
        if (!Oracles.TryGetValue(market, out OracleRecord? oracle))
        {
            Oracles[market] = oracle = new OracleRecord();
        }

        return oracle;
    }

    /// <summary>Value of an attribute of an event; empty when it has none of that name.</summary>
    public static string Attribute(Event happened, string key)
    {
        foreach (EventAttribute attribute in happened.Attributes)
        {
            if (attribute.Key == key)
            {
                return attribute.Value;
            }
        }

        return "";
    }
}
