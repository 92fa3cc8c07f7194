using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet.Tests;

/// <summary>
/// One consensus machine in front of height 1, whose three colleagues are played by the test. Validator i has the key
/// of
/// seed i + 1 and proposes in round i; the machine is validator 1 unless said otherwise.
/// </summary>
public sealed class SingleValidator : IConsensusHost
{
    private readonly TestNetwork _keys = new(seed: 1);

    public SingleValidator(int index = 1, int extensionsFrom = 0)
    {
        Index = index;
        Genesis = Genesis.Parse(TestNetwork.GenesisJson(_keys.Keys.Select(key => key.PublicKey), extensionsFrom));
        BlockStore store = new(new RecordLog(new MemoryStream()));
        ChainState state = Handshake.Run(Genesis, store, Application);
        Mempool mempool = new(Application, new MempoolOptions(), state.Parameters);
        VerifiedSignatures verified = new();
        EvidencePool evidence = new(store, verified);
        BlockExecutor executor = new(Application, store, mempool, evidence, verified);
        Consensus = new ConsensusState(state, null, executor, evidence, verified, _keys.Signers[index], this,
            new ConsensusTimeouts(), new WriteAheadLog(new RecordLog(new MemoryStream())));
        Consensus.Start();
        Application.Calls.Clear();
    }

    public int Index { get; }
    public Genesis Genesis { get; }
    public RecorderApplication Application { get; } = new("single");
    public ConsensusState Consensus { get; }
    public List<object> Sent { get; } = [];
    public List<ConsensusTimeout> Timeouts { get; } = [];
    public long ChainTime => Genesis.Time + 1_000_000_000;
    public TimeSpan WallTime { get; set; }

    public void Broadcast(object message) => Sent.Add(message);

    public void Send(int peer, object message) => throw new InvalidOperationException("consensus only broadcasts");

    public void Schedule(ConsensusTimeout timeout, TimeSpan delay) => Timeouts.Add(timeout);

    /// <summary>Fires the time-out that is pending.</summary>
    public void Fire() => Consensus.Receive(ConsensusState.Self, Timeouts[^1]);

    public SealedBlock Block(string content, int proposer = 0) => BlockRules.Build(Consensus.State,
        [ByteString.CopyFromUtf8(content)], [], null, _keys.Signers[proposer].AddressOf());

    public void Propose(SealedBlock block, int round, int proposer, int polRound = -1, bool withBlock = true)
    {
        Proposal proposal = new()
        {
            Type = SignedMsgType.Proposal,
            Height = Consensus.Height,
            Round = round,
            PolRound = polRound,
            BlockId = block.Id,
            Timestamp = WireTime.FromNanoseconds(ChainTime),
        };
        proposal.Signature = Sign(proposer, SignBytes.Proposal(TestNetwork.ChainId, proposal));
        Consensus.Receive(proposer, proposal);
        if (withBlock) Consensus.Receive(proposer, block);
    }

    public void Prevote(SealedBlock? block, int round, params int[] voters) =>
        Vote(SignedMsgType.Prevote, block, round, voters);

    public void Precommit(SealedBlock? block, int round, params int[] voters) =>
        Vote(SignedMsgType.Precommit, block, round, voters);

    public Vote NewVote(SignedMsgType type, SealedBlock? block, int round, int voter, string extension = "good")
    {
        Vote vote = new()
        {
            Type = type,
            Height = Consensus.Height,
            Round = round,
            BlockId = block?.Id ?? new BlockID { PartSetHeader = new PartSetHeader() },
            Timestamp = WireTime.FromNanoseconds(ChainTime),
            ValidatorAddress = _keys.Signers[voter].AddressOf(),
            ValidatorIndex = voter,
        };
        vote.Signature = Sign(voter, SignBytes.Vote(TestNetwork.ChainId, vote));
        bool isExtended = type == SignedMsgType.Precommit && block is not null
            && Consensus.State.ExtensionsEnabled(vote.Height);
        if (!isExtended) return vote;
        vote.Extension = ByteString.CopyFromUtf8(extension);
        vote.ExtensionSignature =
            Sign(voter, SignBytes.VoteExtension(TestNetwork.ChainId, vote.Height, round, vote.Extension));
        return vote;
    }

    /// <summary>What the machine itself voted in a round: the block's first transaction, "nil", or "nothing".</summary>
    public string Voted(SignedMsgType type, int round, params SealedBlock[] blocks)
    {
        Vote? vote = Sent.OfType<Vote>().SingleOrDefault(item => item.Type == type && item.Round == round);
        if (vote is null) return "nothing";
        if (BlockIds.IsNil(vote.BlockId)) return "nil";
        return blocks.Single(block => block.Id.Equals(vote.BlockId)).Block.Data.Txs[0].ToStringUtf8();
    }

    /// <summary>The signer remembers a vote that the machine knows nothing of, as after a loss of power.</summary>
    public void SignsAndForgets(Vote vote) => _keys.Signers[Index].SignVote(vote);

    private void Vote(SignedMsgType type, SealedBlock? block, int round, int[] voters)
    {
        foreach (int voter in voters) Consensus.Receive(voter, NewVote(type, block, round, voter));
    }

    private ByteString Sign(int validator, byte[] bytes) => ByteString.CopyFrom(_keys.Keys[validator].Sign(bytes));
}

internal static class SignerExtensions
{
    public static ByteString AddressOf(this ConsensusSigner signer) =>
        BlockHashes.Address(signer.PublicKey().Ed25519.Span);
}
