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
/// guardians have signed (VAULT-16), and the validators, predicted from the evidence in the blocks, with one and the
/// same order of proposers for all.
/// </summary>
internal sealed class EngineModel(World world)
{
    private const string Prefix = "appchain.v1.";
    private const long Second = 1_000_000_000;
    private const int Kept = 1_000;

    private sealed class Known(ConsensusParameters content)
    {
        public ConsensusParameters Content { get; } = content;
        public HashSet<int> Approvals { get; } = [];
        public long Ready { get; set; } = long.MaxValue;
    }

    private sealed record Expected(ConsensusParams Parameters, List<ByteString> Members)
    {
        public ConsensusParams? Update { get; set; }
        public List<ByteString> Removed { get; set; } = [];
        public ChainState? Seen { get; set; }
    }

    private readonly Dictionary<ByteString, (int Guardian, IReadOnlyList<Operation> Operations)> _signed = [];
    private readonly Dictionary<ulong, Known> _proposals = [];
    private readonly Dictionary<long, Expected> _expected = [];

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
        long time = WireTime.ToNanoseconds(request.Time);
        foreach ((ulong id, Known proposal) in _proposals)
            if (proposal.Ready <= time)
                throw new Violation("parameters", height, $"proposal {id} was ready and did not execute");

        // From evidence to the set that votes it takes one block more than parameters take.
        List<ByteString> members = [.. At(height + 1).Members];
        foreach (ByteString address in request.Misbehavior.Select(item => item.Validator.Address).Distinct())
            if (members.Count > 1 && members.Remove(address)) now.Removed.Add(address);
        _expected[height + 1] = new Expected(next, At(height + 1).Members);
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
        if (!AreRemoved(response.ValidatorUpdates, expected.Removed))
            throw Wrong(height, $"validator {index} is told to remove {response.ValidatorUpdates.Count} validators, "
                + $"{expected.Removed.Count} are accused");
        if (world.Network.Node(index)?.State is not { } state || state.NextHeight != height) return;
        if (!state.Parameters.Equals(expected.Parameters))
            throw Wrong(height, $"the engine of validator {index} has {state.Parameters}, in force is "
                + $"{expected.Parameters}");
        if (state.AppVersion != NodeVersion.Consensus)
            throw Wrong(height, $"validator {index} has application version {state.AppVersion}");
        if (!AreMembers(state.Validators, expected.Members))
            throw Wrong(height, $"validator {index} has {state.Validators.Count} validators, "
                + $"{expected.Members.Count} should vote");
        expected.Seen ??= state;
        bool isSame = IsSame(state.Validators, expected.Seen.Validators)
            && IsSame(state.NextValidators, expected.Seen.NextValidators);
        if (!isSame) throw Wrong(height, $"validator {index} has another order of proposers than others");
    }

    private Expected At(long height)
    {
        if (_expected.TryGetValue(height, out Expected? expected)) return expected;
        if (height > 2) throw new Violation("heights", $"height {height} follows none");
        return _expected[height] = new Expected(
            world.Network.Options.Genesis.Parameters, [.. world.Machines.Select(machine => machine.Address)]);
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
                    _proposals.Add(id, new Known((ConsensusParameters)said.Operations.Single().Content!));
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
        ulong id = (ulong)Number(changed, "proposal_id");
        if (!_proposals.Remove(id, out Known? proposal))
            throw new Violation("parameters", request.Height, $"proposal {id} executes, which is not open");
        Require(request.Height, proposal.Ready <= WireTime.ToNanoseconds(request.Time),
            $"proposal {id} executes with {proposal.Approvals.Count} approvals, or before its timelock");
        var told = new ConsensusParameters(Number(changed, "block_bytes"), Number(changed, "evidence_age_blocks"),
            Number(changed, "evidence_age_seconds"), Number(changed, "evidence_bytes"));
        Require(request.Height, told == proposal.Content, $"proposed was {proposal.Content}, changed is {told}");
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

    private static bool AreRemoved(IReadOnlyList<AppChain.Abci.Wire.ValidatorUpdate> updates, List<ByteString> addresses)
    {
        if (updates.Count != addresses.Count) return false;
        for (int i = 0; i < addresses.Count; i++)
        {
            if (updates[i].Power != 0 || BlockHashes.Address(updates[i].PubKey) != addresses[i]) return false;
        }
        return true;
    }

    // No address is named twice in the list.
    private static bool AreMembers(AppChain.Localnet.ValidatorSet validators, List<ByteString> addresses)
    {
        if (validators.Count != addresses.Count) return false;
        foreach (ByteString address in addresses)
        {
            int at = validators.IndexOf(address);
            if (at < 0 || validators.Members[at].Address != address) return false;
        }
        return true;
    }

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
