using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Localnet;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>
/// Hears every vote, and holds the honest to the rules: never two for one step, no precommit without a majority of
/// prevotes, no prevote against a lock that no later majority has opened, none as old as the block it is for. What they
/// said in extensions must be what a block repeats of them, and the commit that a validator keeps must verify.
/// </summary>
internal sealed class Votes(World world)
{
    // What was said at one height.
    private sealed class Said
    {
        public Dictionary<(ByteString Validator, int Round, SignedMsgType Type), BlockID> Signed { get; } = [];
        public Dictionary<int, Dictionary<BlockID, HashSet<ByteString>>> Prevotes { get; } = [];
        public Dictionary<ByteString, (int Round, BlockID Block)> Locks { get; } = [];
        public Dictionary<(ByteString Validator, int Round), HashSet<ByteString>> Extensions { get; } = [];
    }

    private readonly Dictionary<long, Said> _heights = [];
    private readonly Dictionary<BlockID, long> _times = [];
    private long _prunedBelow;

    private (int From, object Message) _heard;

    // The validators of the height, as the sender sees them.
    private AppChain.Localnet.ValidatorSet _members = AppChain.Localnet.ValidatorSet.Empty;

    /// <summary>A validator sends something.</summary>
    public void OnSent(int from, object message)
    {
        // What goes to several receivers is heard once.
        if (from == _heard.From && ReferenceEquals(message, _heard.Message)) return;
        _heard = (from, message);
        if (message is SealedBlock block && block.Height >= _prunedBelow && WireTime.IsValid(block.Block.Header.Time))
            _times[block.Id] = WireTime.ToNanoseconds(block.Block.Header.Time);
        if (message is not Vote vote || vote.Height < _prunedBelow) return;
        if (vote.Type == SignedMsgType.Prevote)
        {
            Of(Of(Of(_heights, vote.Height).Prevotes, vote.Round), vote.BlockId).Add(vote.ValidatorAddress);
        }
        bool isHonest = vote.ValidatorAddress == world.Machines[from].Address && !world.IsLiar(from);
        if (!isHonest) return;
        if (world.Network.Node(from)?.State is { } state)
            _members = vote.Height < state.NextHeight ? state.LastValidators : state.Validators;
        OnHonest(vote, Of(_heights, vote.Height));
    }

    /// <summary>A validator has decided a block: what it says of the last commit is what the validators said.</summary>
    public void CheckPriceUpdate(RequestFinalizeBlock request)
    {
        if (request.Height == 1 || world.IsBeyond) return;
        PriceUpdate? update = request.Txs.Count > 0 ? PriceUpdate.Decode(request.Txs[0].Span) : null;
        CommitInfo commit = request.DecidedLastCommit;
        if (update is null || update.Round != commit.Round || update.Entries.Length != commit.Votes.Count)
            throw new Violation("price update", request.Height, "there is none, or it is of another commit");
        long present = 0;
        for (int i = 0; i < update.Entries.Length; i++)
        {
            PriceUpdateEntry entry = update.Entries[i];
            if (!entry.IsPresent) continue;
            VoteInfo vote = commit.Votes[i];
            present += vote.Validator.Power;
            if (vote.BlockIdFlag != BlockIDFlag.Commit)
                throw new Violation(
                    "price update", request.Height, $"validator {i} did not commit, and is said to report");
            Machine machine = world.Machines.First(item => item.Address == vote.Validator.Address);
            if (machine.Index >= world.Swarm.Validators - world.Swarm.Liars)
            {
                byte[] bytes = SignBytes.VoteExtension(
                    World.ChainId, request.Height - 1, update.Round, ByteString.CopyFrom(entry.Extension));
                if (!Ed25519.Verify(machine.Key.PublicKey.Span, bytes, entry.Signature))
                    throw new Violation(
                        "price update", request.Height, $"validator {i} never signed what it is said to report");
                continue;
            }
            HashSet<ByteString>? said = _heights.GetValueOrDefault(request.Height - 1)?.Extensions
                .GetValueOrDefault((machine.Address, update.Round));
            if (said is null || !said.Contains(ByteString.CopyFrom(entry.Extension)))
                throw new Violation(
                    "price update", request.Height, $"validator {i} never said what it is said to report");
        }
        if (present * 3 <= commit.Votes.Sum(vote => vote.Validator.Power) * 2)
            throw new Violation("price update", request.Height, "too few report");
    }

    /// <summary>The commit with which a validator decided a height, which every signature in it must hold up.</summary>
    public void CheckSeenCommit(int index, long height)
    {
        BlockStore store = world.Network.StoreOf(index);
        if (store.LoadSeenCommit(height) is not { } seen || store.LoadStateBefore(height) is not { } before) return;
        string? fault = CommitVerification.Fault(
            World.ChainId, before.Validators.ToWire(), seen.BlockId, height, Commits.Strip(seen));
        if (fault is not null)
            throw new Violation("commit", height, $"validator {index} decided by a commit that is none: {fault}");
    }

    /// <summary>Forgets old heights.</summary>
    public void Prune(long below)
    {
        for (; _prunedBelow < below; _prunedBelow++) _heights.Remove(_prunedBelow);
        if (_times.Count > 1000) _times.Clear();
    }

    private void OnHonest(Vote vote, Said said)
    {
        var step = (vote.ValidatorAddress, vote.Round, vote.Type);
        // What is sent again, to whoever is behind, was looked at when it was sent first, with the set of its height.
        bool isNew = said.Signed.TryAdd(step, vote.BlockId);
        if (!isNew && !said.Signed[step].Equals(vote.BlockId))
            throw new Violation(
                "double sign", vote.Height, $"round {vote.Round}, {vote.Type}: {vote.ValidatorAddress.ToBase64()}");
        if (BlockIds.IsNil(vote.BlockId)) return;
        if (_times.TryGetValue(vote.BlockId, out long time) && WireTime.ToNanoseconds(vote.Timestamp) <= time)
            throw new Violation(
                "vote time", vote.Height, $"{vote.ValidatorAddress.ToBase64()} voted before the time of the block");
        if (vote.Type == SignedMsgType.Precommit)
        {
            if (isNew && !HasMajority(said, vote.Round, vote.BlockId))
                throw new Violation(
                    "precommit",
                    vote.Height,
                    $"{vote.ValidatorAddress.ToBase64()} saw no majority in round {vote.Round}");
            said.Locks[vote.ValidatorAddress] = (vote.Round, vote.BlockId);
            Of(said.Extensions, (vote.ValidatorAddress, vote.Round)).Add(vote.Extension);
        }
        else if (isNew)
        {
            CheckLock(vote, said);
        }
    }

    // Forged votes count here too, so that a majority may be seen where there is none, never the other way round.
    private void CheckLock(Vote vote, Said said)
    {
        if (!said.Locks.TryGetValue(vote.ValidatorAddress, out (int Round, BlockID Block) held)) return;
        if (vote.Round <= held.Round || held.Block.Equals(vote.BlockId)) return;
        for (int round = held.Round + 1; round <= vote.Round; round++)
        {
            if (!said.Prevotes.TryGetValue(round, out Dictionary<BlockID, HashSet<ByteString>>? prevotes)) continue;
            bool isOpened = prevotes.Keys.Any(id => !id.Equals(held.Block) && HasMajority(said, round, id));
            if (isOpened) return;
        }
        throw new Violation("lock", vote.Height,
            $"{vote.ValidatorAddress.ToBase64()} is locked since round {held.Round} and "
            + $"prevoted another block in round {vote.Round}");
    }

    private bool HasMajority(Said said, int round, BlockID id) =>
        said.Prevotes.TryGetValue(round, out Dictionary<BlockID, HashSet<ByteString>>? prevotes)
        && prevotes.TryGetValue(id, out HashSet<ByteString>? voters)
        && PowerOf(voters) * 3 > _members.TotalPower * 2;

    private long PowerOf(HashSet<ByteString> voters)
    {
        long power = 0;
        foreach (ByteString address in voters)
            power += _members.IndexOf(address) is >= 0 and int at ? _members.Members[at].Power : 0;
        return power;
    }

    private static TValue Of<TKey, TValue>(Dictionary<TKey, TValue> items, TKey key)
        where TKey : notnull
        where TValue : new()
    {
        if (!items.TryGetValue(key, out TValue? value)) items[key] = value = new TValue();
        return value;
    }
}
