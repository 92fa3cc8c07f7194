using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Localnet;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>A block that was executed, and of which no validator has lived to say that it is committed.</summary>
/// <param name="Request">The block, as the first validator that executed it was handed it.</param>
/// <param name="Response">What it did there.</param>
/// <param name="At">Virtual time of that.</param>
internal sealed record Unheard(RequestFinalizeBlock Request, ResponseFinalizeBlock Response, TimeSpan At);

/// <summary>
/// Watches every validator: all agree on each block and on what it did, the naive ledger and the beliefs hold after
/// each height, no honest validator signs twice, no decided transaction or durable height is lost, and the price stays
/// between the honest ones.
/// </summary>
internal sealed class Auditor(World world, GenesisState genesis)
{
    private const int WindowSeconds = 60;
    private const int DecisionsKept = 3;
    private const int EncodingsEvery = 10;
    private sealed record Decided(ByteString Block, ByteString AppHash, ByteString Results, int Validator);

    private readonly Ledger _ledger = new(genesis);
    private readonly Dictionary<long, Decided> _decided = [];
    private readonly Dictionary<long, Unheard> _unheard = [];
    private readonly Dictionary<int, long> _committed = [];
    private readonly FundingModel _funding = new();
    private readonly Rows _rows = new();
    private readonly Votes _votes = new(world);
    private readonly HashSet<ByteString> _executed = [];
    private readonly Dictionary<uint, (long Price, long Updates)> _prices = [];
    private readonly Queue<TimeSpan> _decidedAt = new();

    /// <summary>Highest height that any validator committed.</summary>
    public long Height { get; private set; }

    /// <summary>Rounds above the first in which a block was decided.</summary>
    public long LateRounds { get; private set; }

    /// <summary>
    /// Blocks whose validators all died before one of them could say that it had committed.
    /// </summary>
    public long HeardLate { get; private set; }

    /// <summary>Blocks that wait for the first word of their commit, by height.</summary>
    internal IReadOnlyDictionary<long, Unheard> Waiting => _unheard;

    /// <summary>What the engines must hold.</summary>
    public EngineModel Engines { get; } = new(world);

    /// <summary>Events so far, by kind.</summary>
    public IReadOnlyDictionary<string, long> Counts => _ledger.Counts;

    /// <summary>Heights at which two blocks were decided, with who signed both; only beyond a third of liars.</summary>
    public List<(long Height, int[] Culprits)> Forks { get; } = [];

    /// <summary>A validator sends something.</summary>
    public void OnSent(int from, object message) => _votes.OnSent(from, message);

    /// <summary>The data of a validator's application were removed: it has to begin anew.</summary>
    public void OnWiped(int index) => _committed[index] = 0;

    /// <summary>A validator's application has started: what was durable must be there.</summary>
    public void OnRestart(int index, ResponseInfo info)
    {
        long before = _committed.GetValueOrDefault(index);
        if (info.LastBlockHeight < before)
        {
            throw new Violation("durability", $"validator {index} had committed height {before} and is back at "
                + $"{info.LastBlockHeight}");
        }
        bool isKnown = _decided.TryGetValue(info.LastBlockHeight, out Decided? decided);
        if (isKnown && decided!.AppHash != info.LastBlockAppHash && !world.IsBeyond)
            throw new Violation(
                "durability", $"validator {index} recovered height {info.LastBlockHeight} with another app hash");

        // It may have died of a commit before it could tell. What it shows now it must keep.
        _committed[index] = info.LastBlockHeight;
    }

    /// <summary>A validator has executed a decided block.</summary>
    public void OnFinalized(int index, RequestFinalizeBlock request, ResponseFinalizeBlock response)
    {
        ByteString results = BlockHashes.Results(response.TxResults);
        if (!_decided.TryGetValue(request.Height, out Decided? decided))
        {
            _votes.CheckPriceUpdate(request);
            _decided[request.Height] = new Decided(request.Hash, response.AppHash, results, index);
            _unheard[request.Height] = new Unheard(request, response, world.Now);
            Engines.OnDecided(request, response);
            Engines.Check(index, request.Height, response);
            return;
        }
        if (decided.Block != request.Hash)
        {
            if (!world.IsBeyond)
                throw new Violation(
                    "fork", request.Height, $"validators {decided.Validator} and {index} decided different blocks");
            Forks.Add((request.Height, Culprits(request.Height, decided.Validator, index)));
            return;
        }
        if (decided.AppHash != response.AppHash || decided.Results != results)
        {
            throw new Violation("app hash", request.Height,
                $"validators {decided.Validator} and {index} executed the same "
                + "block to different results");
        }
        Engines.Check(index, request.Height, response);
    }

    /// <summary>A validator has committed a block.</summary>
    public void OnCommitted(Machine machine, RequestFinalizeBlock request, ResponseFinalizeBlock response)
    {
        _committed[machine.Index] = request.Height;
        bool isTurn = (request.Height + machine.Index) % 4 == 0;
        if (isTurn) CheckSeenCommit(machine, request.Height);
        if (request.Height <= Height || Forks.Count > 0) return;

        // Whoever goes on from a block has committed it, and can still say what it was.
        for (long height = Height + 1; height < request.Height; height++) HearLate(machine, height);
        Audit(machine.Disk, request, response, world.Now);
    }

    /// <summary>Height that a validator has committed.</summary>
    public long CommittedBy(int index) => _committed.GetValueOrDefault(index);

    /// <summary>App hash after a height.</summary>
    public ByteString AppHashOf(long height) => _decided[height].AppHash;

    // All validators that had committed the block died before this auditor heard of it. The one that goes on has its
    // rows under those of later blocks, and why it was decided.
    private void HearLate(Machine machine, long height)
    {
        if (!_unheard.TryGetValue(height, out Unheard? block))
            throw new Violation("heights", $"height {height + 1} follows {Height}, and nobody has executed {height}");
        HeardLate++;
        CheckSeenCommit(machine, height);
        SimulatedDisk before = machine.Disk.Copy();
        using (var store = new ChainStore(before, Materialising.Never))
        {
            while (store.Height > height) store.Rollback();
        }
        if (Rows.RootOf(before, height) != block.Response.AppHash)
            throw new Violation("rows", height, "taken back to it, the rows have another root than its app hash");
        Audit(before, block.Request, block.Response, block.At);
    }

    // What can be seen of a block that is committed, once and in the order of heights.
    private void Audit(
        SimulatedDisk disk, RequestFinalizeBlock request, ResponseFinalizeBlock response, TimeSpan at)
    {
        Height = request.Height;
        _unheard.Remove(Height);
        world.Trace.Add(response.AppHash.Span);
        world.Trace.Add(request.Hash.Span);
        LateRounds += request.DecidedLastCommit.Round;
        CheckExecutedOnce(request, response);
        _rows.LookAt(disk, Height);
        _ledger.Apply(response);
        _ledger.Check(_rows, Height);
        _funding.Check(_rows, response, Height);
        Beliefs.Check(_rows, Height);
        if (Height % EncodingsEvery == 0) _rows.CheckEncodings();
        CheckPrices(at);
        Prune();
    }

    private void CheckSeenCommit(Machine machine, long height)
    {
        if (world.Swarm.Liars > 0 && !world.IsBeyond && !world.IsLiar(machine.Index))
            _votes.CheckSeenCommit(machine.Index, height);
    }

    private void CheckExecutedOnce(RequestFinalizeBlock request, ResponseFinalizeBlock response)
    {
        for (int i = 0; i < request.Txs.Count; i++)
        {
            bool isUser = !PriceUpdate.IsClaimedBy(request.Txs[i].Span);
            if (isUser && response.TxResults[i].Code == 0 && !_executed.Add(request.Txs[i]))
                throw new Violation("replay", request.Height, $"transaction {i} was executed before");
        }
    }

    // I9: what the chain takes for the price lies between the true prices of the last seconds, however the liars lie.
    private void CheckPrices(TimeSpan at)
    {
        // A block carries what was said between the decisions of the last two before it, however long ago that was, or
        // up to a minute earlier.
        _decidedAt.Enqueue(at);
        if (_decidedAt.Count > DecisionsKept) _decidedAt.Dequeue();
        TimeSpan from = _decidedAt.Peek() - TimeSpan.FromSeconds(WindowSeconds);
        if (at < TimeSpan.FromSeconds(WindowSeconds) || world.IsBeyond) return;
        foreach (OracleRow oracle in _rows.Of<uint, OracleRow>())
        {
            (long before, long updates) = _prices.GetValueOrDefault(oracle.Market, (oracle.Price, 0));
            _prices[oracle.Market] = (oracle.Price, oracle.Updates);
            if (oracle.Updates == updates)
            {
                // Too few have spoken: the price stands as it was, and the chain itself calls it stale when it is old.
                if (oracle.Price != before)
                    throw new Violation("price", Height, $"market {oracle.Market} moved without an update");
                continue;
            }
            if ((Int128)oracle.Power * 3 <= Engines.TotalPower(Height - 1) * 2) continue;
            (double low, double high) = world.Prices.Range(oracle.Market, from, at);
            (low, high) = (low * 0.98, high * 1.02);
            // While the chain itself calls the price uncertain it may lag behind, but it never goes away from the true
            // one.
            if (oracle.State != OracleState.Live) (low, high) = (Math.Min(low, before), Math.Max(high, before));
            if (oracle.Price < low || oracle.Price > high)
                throw new Violation(
                    "price", Height, $"market {oracle.Market} at {oracle.Price}, true between {low} and {high}");
        }
    }

    // Who signed precommits for both blocks of a height, if both were decided in one round.
    private int[] Culprits(long height, int first, int second)
    {
        ExtendedCommit? left = world.Network.StoreOf(first).LoadSeenCommit(height);
        ExtendedCommit? right = world.Network.StoreOf(second).LoadSeenCommit(height);
        if (left is null || right is null || left.Round != right.Round) return [];
        return [.. Enumerable.Range(0, world.Swarm.Validators).Where(i => Signed(left, i) && Signed(right, i))];

        bool Signed(ExtendedCommit commit, int index) => commit.ExtendedSignatures.Any(entry =>
            entry.BlockIdFlag == BlockIDFlag.Commit && entry.ValidatorAddress == world.Machines[index].Address);
    }

    private void Prune()
    {
        if (Height % 200 == 0) _votes.Prune(Height - 100);
    }
}
