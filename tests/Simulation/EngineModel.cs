using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Localnet;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Simulation;

/// <summary>
/// What the engine of every validator must hold at each height: the consensus parameters, predicted from what the
/// guardians have signed (VAULT-16), and the validators, predicted from the evidence in the blocks and from what
/// guardians have signed (VAULT-17), with one and the same order of proposers for all.
/// </summary>
internal sealed class EngineModel(World world)
{
    private const string Prefix = "appchain.v1.";
    private const long Second = 1_000_000_000;
    private const long Hour = 3_600 * Second;
    private const int Kept = 1_000;

    private sealed class Known(IOperationContent content)
    {
        public IOperationContent Content { get; } = content;
        public HashSet<int> Approvals { get; } = [];
        public long Ready { get; set; } = long.MaxValue;
    }

    private sealed record Expected(ConsensusParams Parameters, Members Members)
    {
        public ConsensusParams? Update { get; set; }
        public IReadOnlyDictionary<ByteString, long> Changes { get; set; } = s_none;
        public ChainState? Seen { get; set; }
    }

    private static readonly Dictionary<ByteString, long> s_none = [];

    private readonly Members _genesis = new(world.Machines.ToDictionary(machine => machine.Address, _ => World.Power));
    private readonly Dictionary<ByteString, (int Guardian, IReadOnlyList<Operation> Operations)> _signed = [];
    private readonly Dictionary<ulong, Known> _proposals = [];
    private readonly Dictionary<long, Expected> _expected = [];
    private Members? _newest;

    /// <summary>The last block that some validator has executed.</summary>
    public long Decided { get; private set; }

    /// <summary>Who votes two heights after that.</summary>
    public Members Newest => _newest ?? _genesis;

    /// <summary>A guardian signs a transaction that proposes, approves or vetoes.</summary>
    public void OnSigned(byte[] transaction, int guardian, IReadOnlyList<Operation> operations) =>
        _signed[ByteString.CopyFrom(transaction)] = (guardian, operations);

    /// <summary>A block is decided, and what it does is heard of for the first time.</summary>
    public void OnDecided(RequestFinalizeBlock request, ResponseFinalizeBlock response)
    {
        if (world.IsBeyond) return;
        long height = request.Height;
        Expected now = At(height);
        for (int i = 0; i < request.Txs.Count; i++) Hear(request.Txs[i], response.TxResults[i].Events, request);
        ConsensusParams next = now.Parameters;
        foreach (Event changed in response.Events.Where(
            item => item.Type == Prefix + nameof(EventKind.ConsensusParametersChanged)))
        {
            ConsensusParameters parameters = Execute(changed, request);
            now.Update = Wire(parameters);
            next = new ConsensusParams(next)
            {
                Block = now.Update.Block,
                Evidence = now.Update.Evidence,
                Version = now.Update.Version,
            };
        }
        // From a change to the set that votes it takes one block more than parameters take.
        Members newest = At(height + 1).Members;
        Members members = newest.Without(request.Misbehavior.Select(item => item.Validator.Address));
        bool isSettled = ReferenceEquals(newest, now.Members) && ReferenceEquals(members, newest);
        foreach (IGrouping<long, Event> changed in response.Events
            .Where(item => item.Type == Prefix + nameof(EventKind.ValidatorPowerChanged))
            .GroupBy(item => Number(item, "proposal_id")))
        {
            Require(height, isSettled, $"proposal {changed.Key} changes a set that nobody has voted with");
            members = Change((ulong)changed.Key, members, [.. changed], request);
            isSettled = false;
        }
        CheckWaiting(request, newest, isSettled);
        if (!ReferenceEquals(members, newest)) now.Changes = newest.Changes(members);
        Require(height, world.AreFewerThanAThird(members), "a third of the power lies, for which no rule is made");
        (Decided, _newest) = (height, members);
        _expected[height + 1] = new Expected(next, newest);
        _expected[height + 2] = new Expected(next, members);
        _expected.Remove(height - Kept);
    }

    /// <summary>A validator has executed a decided block.</summary>
    public void Check(int index, long height, ResponseFinalizeBlock response)
    {
        if (world.IsBeyond || !_expected.TryGetValue(height, out Expected? expected)) return;
        if (!Equals(response.ConsensusParamUpdates, expected.Update))
            throw Wrong(height, $"validator {index} is handed {response.ConsensusParamUpdates}, decided was "
                + $"{expected.Update}");
        if (!AreTold(response.ValidatorUpdates, expected.Changes))
            throw Wrong(height, $"validator {index} is told of {response.ValidatorUpdates.Count} changes of powers, "
                + $"which should be {expected.Changes.Count}, or others");
        if (world.Network.Node(index)?.State is not { } state || state.NextHeight != height) return;
        if (!state.Parameters.Equals(expected.Parameters))
            throw Wrong(height, $"the engine of validator {index} has {state.Parameters}, in force is "
                + $"{expected.Parameters}");
        if (state.AppVersion != NodeVersion.Consensus)
            throw Wrong(height, $"validator {index} has application version {state.AppVersion}");
        if (!expected.Members.AreThoseOf(state.Validators))
            throw Wrong(height, $"validator {index} has {state.Validators.Count} validators with power "
                + $"{state.Validators.TotalPower}, {expected.Members.Powers.Count} with {expected.Members.Total} "
                + "should vote");
        expected.Seen ??= state;
        bool isSame = IsSame(state.Validators, expected.Seen.Validators)
            && IsSame(state.NextValidators, expected.Seen.NextValidators);
        if (!isSame) throw Wrong(height, $"validator {index} has another order of proposers than others");
    }

    /// <summary>What a proposal asks for, and how many approve; null of one that is closed or has executed.</summary>
    public (IOperationContent Content, int Approvals)? Proposal(ulong id) =>
        _proposals.TryGetValue(id, out Known? known) ? (known.Content, known.Approvals.Count) : null;

    /// <summary>Power of all who vote at a height, which must be one of the last or the next two.</summary>
    public long TotalPower(long height) => At(height).Members.Total;

    private Expected At(long height)
    {
        if (_expected.TryGetValue(height, out Expected? expected)) return expected;
        if (height > 2) throw new Violation("heights", $"height {height} follows none");
        return _expected[height] = new Expected(world.Network.Options.Genesis.Parameters, _genesis);
    }

    // What a transaction of a guardian did, as its events say.
    private void Hear(ByteString transaction, IEnumerable<Event> events, RequestFinalizeBlock request)
    {
        foreach (Event happened in events)
        {
            string kind =
                happened.Type.StartsWith(Prefix, StringComparison.Ordinal) ? happened.Type[Prefix.Length..] : "";
            bool isOurs = kind is nameof(EventKind.ProposalOpened) or nameof(EventKind.ProposalApproved)
                or nameof(EventKind.ProposalVetoed) or nameof(EventKind.ProposalClosed);
            if (!isOurs) continue;
            ulong id = (ulong)Number(happened, "proposal_id");
            if (!_signed.TryGetValue(transaction, out (int Guardian, IReadOnlyList<Operation> Operations) said))
                throw new Violation("parameters", request.Height, $"nobody signed what moves proposal {id}");
            switch (kind)
            {
                case nameof(EventKind.ProposalOpened):
                    _proposals.Add(id, new Known(said.Operations.Single().Content!));
                    break;
                case nameof(EventKind.ProposalApproved):
                    bool isMeant = said.Operations.Any(item => item.Kind == OperationKind.Propose
                        || (item.Kind == OperationKind.ApproveProposal && item.Content is NumberedTarget target
                            && target.Id == id));
                    Require(request.Height, isMeant, $"guardian {said.Guardian} did not approve {id}");
                    Known proposal = _proposals[id];
                    proposal.Approvals.Add(said.Guardian);
                    if (proposal.Approvals.Count == Guardians.Threshold)
                        proposal.Ready = WireTime.ToNanoseconds(request.Time) + (Guardians.TimelockSeconds * Second);
                    break;
                default:
                    _proposals.Remove(id);
                    break;
            }
        }
    }

    // A change: proposed so, approved by two, after its timelock, within the bounds of the specification.
    private ConsensusParameters Execute(Event changed, RequestFinalizeBlock request)
    {
        IOperationContent proposed = Execute((ulong)Number(changed, "proposal_id"), request);
        var told = new ConsensusParameters(Number(changed, "block_bytes"), Number(changed, "evidence_age_blocks"),
            Number(changed, "evidence_age_seconds"), Number(changed, "evidence_bytes"));
        Require(request.Height, told.Equals(proposed), $"proposed was {proposed}, changed is {told}");
        bool isLawful = told.EvidenceBytes >= 64 << 10 && told.BlockBytes - told.EvidenceBytes >= 1 << 20
            && told.BlockBytes <= 21 << 20 && told.EvidenceAgeBlocks is >= 1_000 and <= 100_000_000
            && told.EvidenceAgeSeconds is >= 3_600 and <= 365 * 86_400;
        Require(request.Height, isLawful, $"{told} is not within the bounds");
        Require(
            request.Height,
            Number(changed, "from_height") == request.Height + 1,
            "a change is in force from the next height on");
        return told;
    }

    // The members after a proposal on them, every part of which is told.
    private Members Change(ulong id, Members members, Event[] told, RequestFinalizeBlock request)
    {
        IOperationContent proposed = Execute(id, request);
        if (proposed is not ValidatorPowers powers || members.With(powers) is not { } after)
            throw Wrong(request.Height, $"proposal {id} changes powers as it must not: {proposed}");
        var said = told.Select(item => (
            item.Attributes.First(attribute => attribute.Key == "public_key").Value,
            Number(item, "power"), Number(item, "power_before"), Number(item, "from_height")));
        var meant = powers.Changes.Select(one => (
            Convert.ToHexStringLower(one.PublicKey.AsSpan()), one.Power, one.PowerBefore, request.Height + 2));
        Require(request.Height, said.SequenceEqual(meant), $"proposal {id} changes other powers than it says");
        return after;
    }

    private IOperationContent Execute(ulong id, RequestFinalizeBlock request)
    {
        if (!_proposals.Remove(id, out Known? proposal))
            throw new Violation("parameters", request.Height, $"proposal {id} executes, which is not open");
        Require(request.Height, proposal.Ready <= WireTime.ToNanoseconds(request.Time),
            $"proposal {id} executes with {proposal.Approvals.Count} approvals, or before its timelock");
        return proposal.Content;
    }

    // What is ready has executed, or is a change of powers that the set does not allow: it waits for the next hour.
    private void CheckWaiting(RequestFinalizeBlock request, Members newest, bool isSettled)
    {
        long time = WireTime.ToNanoseconds(request.Time);
        foreach ((ulong id, Known proposal) in _proposals)
        {
            if (proposal.Ready > time) continue;
            bool waits = proposal.Content is ValidatorPowers powers && (!isSettled || newest.With(powers) is null);
            Require(request.Height, waits, $"proposal {id} was ready and did not execute");
            proposal.Ready = ((time / Hour) + 1) * Hour;
        }
    }

    private static ConsensusParams Wire(ConsensusParameters parameters) => new()
    {
        Block = new BlockParams { MaxBytes = parameters.BlockBytes, MaxGas = -1 },
        Evidence = new EvidenceParams
        {
            MaxAgeNumBlocks = parameters.EvidenceAgeBlocks,
            MaxAgeDuration = new Duration { Seconds = parameters.EvidenceAgeSeconds },
            MaxBytes = parameters.EvidenceBytes,
        },
        Version = new VersionParams { App = NodeVersion.Consensus },
    };

    private static bool AreTold(
        IReadOnlyList<AppChain.Abci.Wire.ValidatorUpdate> updates, IReadOnlyDictionary<ByteString, long> changes) =>
        updates.Count == changes.Count
        && updates.DistinctBy(update => update.PubKey).Count() == updates.Count
        && updates.All(update => changes.TryGetValue(BlockHashes.Address(update.PubKey), out long power)
            && update.Power == power);

    private static bool IsSame(AppChain.Localnet.ValidatorSet left, AppChain.Localnet.ValidatorSet right) =>
        ReferenceEquals(left, right)
        || (left.Proposer.Address == right.Proposer.Address && left.Members.SequenceEqual(right.Members));

    private static long Number(Event happened, string name) => long.Parse(
        happened.Attributes.First(item => item.Key == name).Value, NumberStyles.Integer, CultureInfo.InvariantCulture);

    private static void Require(long height, bool isTrue, string otherwise)
    {
        if (!isTrue) throw Wrong(height, otherwise);
    }

    private static Violation Wrong(long height, string what) => new("engine", height, what);
}
