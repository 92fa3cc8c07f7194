using System;
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
using Block = AppChain.Abci.Wire.Types.Block;

namespace AppChain.Simulation;

/// <summary>
/// What Byzantine validators do: their own engine and application are honest, and their answers and messages are
/// changed on the way out, signed anew with the key itself and without the guard.
/// </summary>
internal sealed class Liars(World world, IReadOnlyList<Machine> machines)
{
    private const int Remembered = 200;
    private readonly Dictionary<(int From, long Height, int Round), (Proposal Proposal, SealedBlock Block)?> _other =
        [];
    private readonly Dictionary<(int From, long Height, int Round), Proposal> _held = [];
    private readonly HashSet<(int From, long Height, int Round)> _shownToAll = [];
    private readonly List<object> _old = [];
    private bool _isDirect;

    /// <summary>The proposal of a liar: the honest one, or one that honest validators must refuse.</summary>
    public ResponsePrepareProposal Propose(
        int index, RequestPrepareProposal request, ResponsePrepareProposal honest)
    {
        List<ByteString> transactions = [.. honest.Txs];
        bool hasUpdate = transactions.Count > 0 && PriceUpdate.IsClaimedBy(transactions[0].Span);
        if (hasUpdate && world.Lies(Lie.OmitPriceUpdate))
        {
            transactions.RemoveAt(0);
        }
        else if (hasUpdate && world.Lies(Lie.ForgePriceUpdate)
            && PriceUpdate.Decode(transactions[0].Span) is { } update)
        {
            transactions[0] = ByteString.CopyFrom(Forge(update));
        }
        if (world.Lies(Lie.BadTransactions)) Spoil(transactions, request);
        var lie = new ResponsePrepareProposal();
        lie.Txs.Add(transactions);
        return lie;
    }

    /// <summary>The extension of a liar.</summary>
    public ResponseExtendVote Extend(int index, ResponseExtendVote honest)
    {
        if (world.Lies(Lie.BadExtension))
        {
            byte[] noise = new byte[world.Random.Next(1, 1200)];
            world.Random.NextBytes(noise);
            return new ResponseExtendVote { VoteExtension = ByteString.CopyFrom(noise) };
        }
        if (world.Lies(Lie.EmptyExtension)) return new ResponseExtendVote();
        return world.Lies(Lie.ExtremePrices) ? new ResponseExtendVote { VoteExtension = Extreme(index) } : honest;
    }

    /// <summary>
    /// True when the liar sends something else than the message, or nothing: then it was sent from here.
    /// </summary>
    public bool TakesOver(int from, int to, object message)
    {
        if (_isDirect) return false;
        if (world.Lies(Lie.Silence)) return true;
        if (_old.Count > 0 && world.Lies(Lie.Replay)) SendDirect(from, to, _old[world.Random.Next(_old.Count)]);
        Remember(message);
        return message switch
        {
            Vote vote when vote.ValidatorAddress == machines[from].Address => TakesOverVote(from, to, vote),
            Proposal proposal => TakesOverProposal(from, to, proposal),
            SealedBlock block => TakesOverBlock(from, to, block),
            _ => false,
        };
    }

    private bool TakesOverVote(int from, int to, Vote vote)
    {
        if (world.IsBeyond) return TakesSides(from, to, vote);
        if (world.Lies(Lie.ForgeVote)) SendDirect(from, to, InAnothersName(vote));
        if (to % 2 == 1 && world.Lies(Lie.DoubleVote))
        {
            SendDirect(from, to, OtherVote(from, vote));
            return true;
        }
        if (to % 2 == 1 && !vote.Extension.IsEmpty && world.Lies(Lie.DoubleExtension))
        {
            Vote lie = vote.Clone();
            lie.Extension = Extreme(from);
            lie.ExtensionSignature = SignExtension(from, lie);
            SendDirect(from, to, lie);
            return true;
        }
        return false;
    }

    // For the liar's other block of the round where there is one, else for nil or, against a nil vote, for a block that
    // nobody has.
    private Vote OtherVote(int from, Vote vote)
    {
        Vote lie = vote.Clone();
        (SealedBlock Block, bool Found) other = OtherBlock(vote.Height, vote.Round);
        if (other.Found && !other.Block.Id.Equals(vote.BlockId))
        {
            lie.BlockId = other.Block.Id;
        }
        else if (BlockIds.IsNil(vote.BlockId))
        {
            byte[] hash = new byte[32];
            world.Random.NextBytes(hash);
            lie.BlockId = new BlockID
            {
                Hash = ByteString.CopyFrom(hash),
                PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFrom(hash) },
            };
        }
        else
        {
            lie.BlockId = new BlockID { PartSetHeader = new PartSetHeader() };
        }
        return Signed(from, lie);
    }

    private Vote InAnothersName(Vote vote)
    {
        Machine other = machines[world.Random.Next(machines.Count)];
        Vote forged = vote.Clone();
        int index = world.Network.Node(0)?.State.Validators.IndexOf(other.Address) ?? -1;
        if (index >= 0) forged.ValidatorIndex = index;
        forged.ValidatorAddress = other.Address;
        if (world.Random.Next(2) == 0)
        {
            forged.BlockId = new BlockID { PartSetHeader = new PartSetHeader() };
            forged.Extension = forged.ExtensionSignature = ByteString.Empty;
        }
        return forged;
    }

    // Together: everybody with an even number is told one block of the round, everybody else the other.
    private bool TakesSides(int from, int to, Vote vote)
    {
        (SealedBlock Block, bool Found) other = OtherBlock(vote.Height, vote.Round);
        if (!other.Found) return false;
        Proposal first = _held.First(item => item.Key.Height == vote.Height && item.Key.Round == vote.Round).Value;
        Vote lie = vote.Clone();
        lie.BlockId = to % 2 == 0 ? first.BlockId : other.Block.Id;
        if (lie.BlockId.Equals(vote.BlockId)) return false;
        SendDirect(from, to, Signed(from, lie));
        return true;
    }

    private Vote Signed(int from, Vote vote)
    {
        bool isExtended = vote.Type == SignedMsgType.Precommit && !BlockIds.IsNil(vote.BlockId);
        if (!isExtended)
            vote.Extension = vote.ExtensionSignature = ByteString.Empty;
        else if (vote.ExtensionSignature.IsEmpty)
            vote.ExtensionSignature = SignExtension(from, vote);
        vote.Signature = Sign(from, SignBytes.Vote(World.ChainId, vote));
        return vote;
    }

    private (SealedBlock Block, bool Found) OtherBlock(long height, int round)
    {
        for (int from = 0; from < machines.Count; from++)
        {
            if (_other.TryGetValue((from, height, round), out (Proposal, SealedBlock Block)? other)
                && other is { } found)
                return (found.Block, true);
        }
        return (null!, false);
    }

    private bool TakesOverProposal(int from, int to, Proposal proposal)
    {
        var key = (from, proposal.Height, proposal.Round);
        if (_other.Count > Remembered)
        {
            _other.Clear();
            _held.Clear();
            _shownToAll.Clear();
        }
        if (!_other.ContainsKey(key))
        {
            // Decided once for a round; what the other block is comes with the block.
            bool lies = world.IsBeyond || world.Lies(Lie.DoubleProposal) || world.Lies(Lie.BadHeader);
            if (!lies) _other[key] = null;
            else _held[key] = proposal;
            if (lies && !world.IsBeyond && world.Random.Next(2) == 0) _shownToAll.Add(key);
        }
        return _held.ContainsKey(key) && IsShown(key, to);
    }

    // The other block goes to some, so that they disagree, or to everybody, so that it could be decided.
    private bool IsShown((int From, long Height, int Round) key, int to) => to % 2 == 1 || _shownToAll.Contains(key);

    private bool TakesOverBlock(int from, int to, SealedBlock block)
    {
        (int, long, int Round) key = _held.Keys.FirstOrDefault(item => item.From == from && item.Height == block.Height,
            (-1, 0, 0));
        if (!_held.TryGetValue(key, out Proposal? proposal) || !proposal.BlockId.Equals(block.Id)) return false;
        if (!IsShown(key, to)) return false;
        if (!_other.TryGetValue(key, out (Proposal Proposal, SealedBlock Block)? other))
            _other[key] = other = Other(from, proposal, block);
        if (other is not { } lie)
        {
            SendDirect(from, to, proposal);
            return false;
        }
        SendDirect(from, to, lie.Proposal);
        SendDirect(from, to, lie.Block);
        return true;
    }

    // Another block for the same round: one that could be accepted in the place of the first, or one with a wrong
    // header.
    private (Proposal, SealedBlock)? Other(int from, Proposal proposal, SealedBlock block)
    {
        Block changed = block.Block.Clone();
        if (!world.IsBeyond && world.Swarm.Lies[Lie.BadHeader] > 0 && world.Random.Next(2) == 0)
        {
            SpoilHeader(changed.Header);
        }
        else if (changed.Data.Txs.Count > 1)
        {
            changed.Data.Txs.RemoveAt(changed.Data.Txs.Count - 1);
        }
        else if (changed.Data.Txs.Count == 1 && WithOneLess(changed.Data.Txs[0]) is { } smaller)
        {
            changed.Data.Txs[0] = smaller;
        }
        else
        {
            return null;
        }
        changed.Header.DataHash = BlockHashes.Data(changed.Data.Txs);
        SealedBlock other = SealedBlock.Of(changed);
        Proposal lie = proposal.Clone();
        lie.BlockId = other.Id;
        lie.Signature = Sign(from, SignBytes.Proposal(World.ChainId, lie));
        return (lie, other);
    }

    private void SpoilHeader(Header header)
    {
        byte[] hash = new byte[32];
        world.Random.NextBytes(hash);
        ByteString noise = ByteString.CopyFrom(hash);
        switch (world.Random.Next(6))
        {
            case 0: header.AppHash = noise; break;
            case 1: header.Time = WireTime.FromNanoseconds(WireTime.ToNanoseconds(header.Time) + 1); break;
            case 2: header.ValidatorsHash = noise; break;
            case 3: header.LastResultsHash = noise; break;
            case 4: header.ProposerAddress = machines[0].Address; break;
            default: header.ConsensusHash = noise; break;
        }
    }

    private static ByteString? WithOneLess(ByteString transaction)
    {
        if (PriceUpdate.Decode(transaction.Span) is not { } update || update.Entries.Any(entry => !entry.IsPresent))
            return null;
        return ByteString.CopyFrom(new PriceUpdate
        {
            Round = update.Round, Entries = update.Entries.SetItem(update.Entries.Length - 1, PriceUpdateEntry.Absent),
        }.Encode());
    }

    private byte[] Forge(PriceUpdate update)
    {
        ImmutableArray<PriceUpdateEntry> entries = update.Entries;
        int place = world.Random.Next(entries.Length);
        int round = update.Round;
        switch (world.Random.Next(7))
        {
            case 6:
                byte[] all = [.. Extreme(0).Span];
                entries = [.. entries.Select(_ => new PriceUpdateEntry(true, all, new byte[64]))];
                break;
            case 0:
                byte[] prices = [.. Extreme(0).Span];
                entries = entries.SetItem(place, new PriceUpdateEntry(true, prices, new byte[64]));
                break;
            case 1:
                entries = entries.SetItem(place, entries[place] with { Extension = [.. Extreme(0).Span] });
                break;
            case 2:
                round++;
                break;
            case 3:
                entries = [.. entries.Reverse()];
                break;
            case 4:
                entries = entries.Add(PriceUpdateEntry.Absent);
                break;
            default:
                entries = [.. entries.Select(_ => PriceUpdateEntry.Absent)];
                break;
        }
        byte[] bytes = new PriceUpdate { Round = round, Entries = entries }.Encode();
        return world.Random.Next(6) == 0 ? [.. bytes, 0] : bytes;
    }

    private void Spoil(List<ByteString> transactions, RequestPrepareProposal request)
    {
        switch (world.Random.Next(4))
        {
            case 0 when transactions.Count > 0:
                transactions.Add(transactions[^1]);
                break;
            case 1:
                byte[] noise = new byte[world.Random.Next(1, 300)];
                world.Random.NextBytes(noise);
                transactions.Add(ByteString.CopyFrom(noise));
                break;
            case 2 when transactions.Count > 2:
                transactions.Reverse(1, transactions.Count - 1);
                break;
            default:
                // A transaction of an earlier block: well signed, so the block is good, and must execute to a refusal.
                BlockStore store = world.Network.StoreOf(0);
                long height = request.Height - world.Random.Next(1, 10);
                if (height > 0 && store.LoadBlock(height) is { } block && block.Block.Data.Txs.Count > 1)
                    transactions.Add(block.Block.Data.Txs[^1]);
                break;
        }
    }

    private ByteString Extreme(int index)
    {
        double factor = world.Random.Next(4) switch { 0 => 0.001, 1 => 0.5, 2 => 2, _ => 100_000 };
        long time = world.ChainTimeOf(index) + (world.Random.Next(3) - 1) * 20_000_000_000L;
        PriceReport[] reports = [.. Prices.Markets.Select(market => new PriceReport(
            market.MarketId, Math.Max(1, (long)(world.Prices.Price(market.MarketId) * factor)), 1, Math.Max(1, time)))];
        return ByteString.CopyFrom(PriceVote.Encode(reports));
    }

    private void Remember(object message)
    {
        if (world.Swarm.Lies[Lie.Replay] == 0 || message is PeerStatus) return;
        if (_old.Count < Remembered) _old.Add(message);
        else if (world.Random.Next(20) == 0) _old[world.Random.Next(Remembered)] = message;
    }

    private void SendDirect(int from, int to, object message)
    {
        if (message is ByteString) return;
        _isDirect = true;
        world.Network.Transmit(from, to, message);
        _isDirect = false;
    }

    private ByteString SignExtension(int index, Vote vote) =>
        Sign(index, SignBytes.VoteExtension(World.ChainId, vote.Height, vote.Round, vote.Extension));

    private ByteString Sign(int index, byte[] bytes) => ByteString.CopyFrom(machines[index].Key.Sign(bytes));
}
