using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hashing;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// Proof of validators who voted twice in one step. Conflicting votes become evidence once the block of their height
/// is committed; evidence waits here until a block contains it or it is too old.
/// </summary>
public sealed class EvidencePool
{
    private readonly BlockStore _store;
    private readonly VerifiedSignatures _verified;
    private readonly List<(Vote First, Vote Second)> _conflicts = [];
    private readonly Dictionary<ByteString, DuplicateVoteEvidence> _pending = [];
    private readonly HashSet<ByteString> _committed = [];

    /// <summary>Creates the pool of a validator; evidence in stored blocks counts as committed.</summary>
    public EvidencePool(BlockStore store, VerifiedSignatures verified)
    {
        _verified = verified;
        _store = store;
        foreach (Evidence evidence in store.CommittedEvidence()) _committed.Add(KeyOf(evidence.DuplicateVoteEvidence));
    }

    /// <summary>Called with evidence that this validator has formed, to be sent to the others.</summary>
    public Action<DuplicateVoteEvidence>? Formed { get; set; }

    /// <summary>Notes two different votes of one validator for one step.</summary>
    public void Report(Vote first, Vote second) => _conflicts.Add((first, second));

    /// <summary>Evidence for the next block, oldest offence first, and its size in the block.</summary>
    public (List<Evidence> Evidence, long Bytes) Pending(long maximumBytes)
    {
        EvidenceList list = new();
        List<Evidence> chosen = [];
        foreach (DuplicateVoteEvidence duplicate in _pending.Values.OrderBy(item => item.VoteA.Height))
        {
            Evidence evidence = new() { DuplicateVoteEvidence = duplicate };
            list.Evidence.Add(evidence);
            if (list.CalculateSize() > maximumBytes)
            {
                list.Evidence.RemoveAt(list.Evidence.Count - 1);
                break;
            }
            chosen.Add(evidence);
        }
        return (chosen, list.CalculateSize());
    }

    /// <summary>Takes evidence from a peer; what does not verify is dropped.</summary>
    public void Add(DuplicateVoteEvidence evidence, ChainState state)
    {
        ByteString key = KeyOf(evidence);
        if (!_committed.Contains(key) && Check(evidence, state) is null) _pending.TryAdd(key, evidence);
    }

    /// <summary>Checks the evidence of a proposed block. Null if it may be included.</summary>
    public string? Check(EvidenceList list, ChainState state)
    {
        if (list.CalculateSize() > state.Parameters.Evidence.MaxBytes) return "too many bytes of evidence";
        HashSet<ByteString> keys = [];
        foreach (Evidence evidence in list.Evidence)
        {
            ByteString key = KeyOf(evidence.DuplicateVoteEvidence);
            if (_committed.Contains(key)) return "evidence was committed before";
            if (!keys.Add(key)) return "evidence is there twice";
            if (!_pending.ContainsKey(key) && Check(evidence.DuplicateVoteEvidence, state) is { } wrong) return wrong;
        }
        return null;
    }

    /// <summary>After a block: forgets what it contains or what is too old, forms evidence from noted votes.</summary>
    public void Update(ChainState state, EvidenceList included)
    {
        foreach (Evidence evidence in included.Evidence)
        {
            ByteString key = KeyOf(evidence.DuplicateVoteEvidence);
            _committed.Add(key);
            _pending.Remove(key);
        }
        foreach (ByteString key in _pending.Keys.ToList())
        {
            if (IsExpired(_pending[key], state)) _pending.Remove(key);
        }
        foreach ((Vote first, Vote second) in _conflicts.ToList())
        {
            if (first.Height > state.LastHeight) continue;
            _conflicts.Remove((first, second));
            if (Form(first, second) is not { } evidence) continue;
            ByteString key = KeyOf(evidence);
            if (!_committed.Contains(key) && _pending.TryAdd(key, evidence)) Formed?.Invoke(evidence);
        }
    }

    private DuplicateVoteEvidence? Form(Vote first, Vote second)
    {
        if (Facts(first.Height) is not { } facts) return null;
        int index = facts.Validators.IndexOf(first.ValidatorAddress);
        if (index < 0) return null;
        bool inOrder = Precedes(first.BlockId, second.BlockId);
        return new DuplicateVoteEvidence
        {
            VoteA = inOrder ? first : second,
            VoteB = inOrder ? second : first,
            TotalVotingPower = facts.Validators.TotalPower,
            ValidatorPower = facts.Validators.Members[index].Power,
            Timestamp = facts.Header.Time,
        };
    }

    private string? Check(DuplicateVoteEvidence evidence, ChainState state)
    {
        if (evidence.VoteA is not { } a || evidence.VoteB is not { } b) return "evidence lacks a vote";
        if (!Signatures.IsWellFormed(a) || !Signatures.IsWellFormed(b)) return "evidence has a malformed vote";
        if (Facts(a.Height) is not { } facts) return "evidence is from an unknown height";
        if (!facts.Header.Time.Equals(evidence.Timestamp)) return "evidence has a wrong time";
        if (IsExpired(evidence, state)) return "evidence is too old";
        if (a.Height != b.Height || a.Round != b.Round || a.Type != b.Type) return "evidence of different steps";
        if (a.ValidatorAddress != b.ValidatorAddress) return "evidence of different validators";
        if (!Precedes(a.BlockId, b.BlockId)) return "evidence without conflict, or in wrong order";
        int index = facts.Validators.IndexOf(a.ValidatorAddress);
        if (index < 0) return "evidence against no validator";
        Validator validator = facts.Validators.Members[index];
        if (evidence.ValidatorPower != validator.Power) return "evidence has a wrong power";
        if (evidence.TotalVotingPower != facts.Validators.TotalPower) return "evidence has a wrong total power";
        bool isSigned = Signatures.Verify(a, state.ChainId, validator.PublicKey, _verified)
            && Signatures.Verify(b, state.ChainId, validator.PublicKey, _verified);
        return isSigned ? null : "evidence has a wrong signature";
    }

    private (Header Header, ValidatorSet Validators)? Facts(long height) =>
        _store.LoadBlock(height) is { } block && _store.LoadStateBefore(height) is { } before
            ? (block.Block.Header, before.Validators)
            : null;

    /// <summary>Too old in blocks and in time; one alone does not suffice.</summary>
    private static bool IsExpired(DuplicateVoteEvidence evidence, ChainState state)
    {
        EvidenceParams parameters = state.Parameters.Evidence;
        long age = state.LastTime - WireTime.ToNanoseconds(evidence.Timestamp);
        long limit = parameters.MaxAgeDuration.Seconds * 1_000_000_000 + parameters.MaxAgeDuration.Nanos;
        return state.LastHeight - evidence.VoteA.Height > parameters.MaxAgeNumBlocks && age > limit;
    }

    private static bool Precedes(BlockID a, BlockID b) =>
        BlockIds.Key(a).AsSpan().SequenceCompareTo(BlockIds.Key(b)) < 0;

    private static ByteString KeyOf(DuplicateVoteEvidence evidence) =>
        ByteString.CopyFrom(Sha256.Hash(evidence.ToByteArray()));
}
