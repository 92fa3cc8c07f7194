using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>
/// What happens to a network while it is recorded. They are those of the recordings of CometBFT with a test
/// application, as far as this application can be brought to them: validators change by evidence only, parameters by a
/// decision of the guardians; and a late node joins by state sync.
/// </summary>
internal sealed record VectorScenario(string Name, long Blocks)
{
    private readonly Queue<(Type Call, long From, Fate Fate)> _deaths = [];

    public long InitialHeight { get; init; } = 1;

    public long SnapshotInterval { get; init; }

    /// <summary>Node 3 waits a millisecond for prevotes.</summary>
    public bool HasHastyNode { get; init; }

    /// <summary>Pause between two blocks, milliseconds.</summary>
    public int Pause { get; init; } = 150;

    /// <summary>Traders act after each block.</summary>
    public bool HasTraders { get; init; } = true;

    /// <summary>Nodes whose application is taped.</summary>
    public IReadOnlyList<int> Applications { get; init; } = [0, 3];

    /// <summary>Nodes whose signer is taped.</summary>
    public IReadOnlyList<int> Signers { get; init; } = [];

    /// <summary>What the engine of a node gets in place of an answer.</summary>
    public Func<int, IMessage, IMessage, IMessage> Lie { get; init; } = static (_, _, answer) => answer;

    /// <summary>What is done to the network when it has reached a height; called once for each.</summary>
    public Func<VectorNetwork, long, CancellationToken, Task> At { get; init; } =
        static (_, _, _) => Task.CompletedTask;

    /// <summary>Whether node 0 dies at this call of height <paramref name="height"/>.</summary>
    public Fate FateAt(int node, IMessage request, long height)
    {
        if (node != 0 || !_deaths.TryPeek(out (Type Call, long From, Fate Fate) next)
            || request.GetType() != next.Call || height < next.From) return Fate.Lives;
        return _deaths.Dequeue().Fate;
    }

    /// <summary>All, made anew for one run.</summary>
    public static IEnumerable<VectorScenario> All() =>
        [
            Plain(), Absent(), Reject(), Crash(), Evidence(), Parameters(), Signer(), MixedVotes(), InitialHeightFive(),
            StateSync(),
        ];

    private static VectorScenario Plain() => new("plain", 22);

    private static VectorScenario InitialHeightFive() => new("initial_height", 12) { InitialHeight = 5 };

    /// <summary>Validator 3 is away from height 6 to 18 and comes back by block sync.</summary>
    private static VectorScenario Absent() => new("absent", 24)
    {
        At = (network, height, _) =>
        {
            if (height == 6) network.Nodes[3].Stop();
            if (height == 18) network.Nodes[3].Start();
            return Task.CompletedTask;
        },
    };

    /// <summary>
    /// The first proposal of height 6 and the first two of height 10 lack the prices; that of 14 has a forged
    /// signature.
    /// </summary>
    private static VectorScenario Reject()
    {
        var lies = new Dictionary<long, int> { [6] = 1, [10] = 2, [14] = 1 };
        var gate = new Lock();
        return new VectorScenario("reject", 18)
        {
            Lie = (_, request, answer) =>
            {
                if (request is not RequestPrepareProposal { Height: long height }) return answer;
                lock (gate)
                {
                    int left = lies.GetValueOrDefault(height);
                    if (left == 0) return answer;
                    lies[height] = left - 1;
                }

                ResponsePrepareProposal lie = ((ResponsePrepareProposal)answer).Clone();
                if (height == 14) lie.Txs[0] = Forged(lie.Txs[0]);
                else lie.Txs.RemoveAt(0);
                return lie;
            },
        };
    }

    /// <summary>Node 0 dies at six calls, with its engine.</summary>
    private static VectorScenario Crash()
    {
        var scenario = new VectorScenario("crash", 34) { Applications = [0, 1] };
        scenario._deaths.Enqueue((typeof(RequestCommit), 1, Fate.DiesBefore));
        scenario._deaths.Enqueue((typeof(RequestCommit), 4, Fate.DiesBefore));
        scenario._deaths.Enqueue((typeof(RequestCommit), 8, Fate.DiesAfter));
        scenario._deaths.Enqueue((typeof(RequestFinalizeBlock), 12, Fate.DiesBefore));
        scenario._deaths.Enqueue((typeof(RequestFinalizeBlock), 16, Fate.DiesAfter));
        scenario._deaths.Enqueue((typeof(RequestExtendVote), 20, Fate.DiesAfter));
        scenario._deaths.Enqueue((typeof(RequestProcessProposal), 24, Fate.DiesAfter));
        return scenario;
    }

    /// <summary>Evidence against validator 3 from height 8 on: it leaves the set, and its node goes on.</summary>
    private static VectorScenario Evidence() => new("evidence", 20)
    {
        At = (network, height, cancel) => height == 8 ? network.ProveDoubleVoteAsync(3, cancel) : Task.CompletedTask,
    };

    /// <summary>Two guardians change the parameters of consensus; their timelock is half a minute.</summary>
    private static VectorScenario Parameters() => new("parameters", 20)
    {
        Applications = [0],
        Pause = 1_000,
        HasTraders = false,
        At = (network, height, cancel) => height == 3 ? network.ChangeParametersAsync(cancel) : Task.CompletedTask,
    };

    /// <summary>The signer of validator 0 is away for a while at height 8.</summary>
    private static VectorScenario Signer() => new("signer", 18)
    {
        Applications = [0],
        Signers = [0],
        At = async (network, height, cancel) =>
        {
            if (height != 8) return;
            network.Nodes[0].StopSigner();
            await Task.Delay(TimeSpan.FromSeconds(1.5), cancel);
            network.Nodes[0].StartSigner();
        },
    };

    /// <summary>
    /// Validator 3 sends bytes that are no prices at 6 to 8, validator 2 nothing at 10 and 11. Validator 3 refuses
    /// sound proposals from 12 on and does not wait for all prevotes, so that some of its precommits are nil.
    /// </summary>
    private static VectorScenario MixedVotes() => new("mixed_votes", 26)
    {
        HasHastyNode = true,
        Lie = (node, request, answer) => (node, request) switch
        {
            (3, RequestExtendVote { Height: >= 6 and <= 8 }) =>
                new ResponseExtendVote { VoteExtension = ByteString.CopyFromUtf8("no prices") },
            (2, RequestExtendVote { Height: 10 or 11 }) => new ResponseExtendVote(),
            (3, RequestProcessProposal { Height: >= 12 and <= 24 }) =>
                new ResponseProcessProposal { Status = ProposalStatus.Reject },
            _ => answer,
        },
    };

    /// <summary>A fifth node joins from a snapshot.</summary>
    private static VectorScenario StateSync() => new("state_sync", 40)
    {
        Applications = [4],
        SnapshotInterval = 5,
        At = (network, height, cancel) => height == 13 ? network.JoinAsync(cancel) : Task.CompletedTask,
    };

    private static ByteString Forged(ByteString update)
    {
        PriceUpdate sound = PriceUpdate.Decode(update.Span)!;
        int first = sound.Entries.ToList().FindIndex(entry => entry.IsPresent);
        byte[] signature = [.. sound.Entries[first].Signature];
        signature[0] ^= 1;
        PriceUpdateEntry forged = sound.Entries[first] with { Signature = signature };
        return ByteString.CopyFrom(
            new PriceUpdate { Round = sound.Round, Entries = sound.Entries.SetItem(first, forged) }.Encode());
    }
}
