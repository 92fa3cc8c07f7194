using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using Block = AppChain.StateMachine.Block;
using Misbehavior = AppChain.Abci.Wire.Misbehavior;
using Validator = AppChain.StateMachine.Validator;

namespace AppChain.Node;

public sealed partial class Application
{
    /// <inheritdoc/>
    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request)
    {
        lock (_consensus)
        {
            DropCandidate();
            var response = new ResponsePrepareProposal();
            long left = request.MaxTxBytes;
            if (NeedsPriceUpdate(request.Height))
            {
                byte[] update = BuildPriceUpdate(request).Encode();
                left -= WireSize(update.Length);
                response.Txs.Add(UnsafeByteOperations.UnsafeWrap(update));
            }

            AddByClass(request.Txs, response, left);
            return response;
        }
    }

    /// <inheritdoc/>
    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request)
    {
        lock (_consensus)
        {
            string? reason = Judge(request, out Block? block);
            if (reason is not null || block is null)
            {
                _log.Info($"refused the proposal of height {request.Height}: {reason}");
                return new ResponseProcessProposal { Status = ProposalStatus.Reject };
            }

            Execute(request.Hash, block, NeedsPriceUpdate(request.Height) ? 1 : 0);
            return new ResponseProcessProposal { Status = ProposalStatus.Accept };
        }
    }

    /// <inheritdoc/>
    public ResponseExtendVote ExtendVote(RequestExtendVote request)
    {
        if (_feed is null)
        {
            return new ResponseExtendVote();
        }

        ImmutableArray<PriceReport> reports = _feed.Reports(
            _chainTime?.Invoke() ?? WireTime.ToNanoseconds(request.Time));
        if (_log.IsDebug)
        {
            _log.Debug($"votes at height {request.Height}: {string.Join(", ", reports)}");
        }

        byte[] extension = PriceVote.Encode(reports.AsSpan());
        return new ResponseExtendVote { VoteExtension = UnsafeByteOperations.UnsafeWrap(extension) };
    }

    /// <inheritdoc/>
    /// <remarks>A pure function of the bytes: a local price never decides whether a precommit counts.</remarks>
    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) => new()
    {
        Status = PriceVote.TryDecode(request.VoteExtension.Span, out _)
            ? VerifyStatus.Accept
            : VerifyStatus.Reject,
    };

    // Extensions exist from the initial height on, so every block above it carries what was said at the one before.
    private bool NeedsPriceUpdate(long height) => height > InitialHeight;

    private PriceUpdate BuildPriceUpdate(RequestPrepareProposal request)
    {
        ImmutableArray<Validator> validators = Chain.ValidatorsAt(request.Height - 1);
        ExtendedCommitInfo commit = request.LocalLastCommit;
        var entries = ImmutableArray.CreateBuilder<PriceUpdateEntry>(validators.Length);
        for (int i = 0; i < validators.Length; i++)
        {
            ExtendedVoteInfo? vote = i < commit.Votes.Count ? commit.Votes[i] : null;

            // Late precommits arrive unverified: what is not valid is left out, not passed on.
            bool valid = vote is not null
                && vote.BlockIdFlag == BlockIDFlag.Commit
                && vote.ExtensionSignature.Length == Sodium.SignatureSize
                && PriceVote.TryDecode(vote.VoteExtension.Span, out _)
                && IsSigned(
                    validators[i], request.Height - 1, commit.Round, vote.VoteExtension.Span,
                    vote.ExtensionSignature.Span);
            entries.Add(valid
                ? new PriceUpdateEntry(true, vote!.VoteExtension.ToByteArray(), vote.ExtensionSignature.ToByteArray())
                : PriceUpdateEntry.Absent);
        }

        // A negative round is no engine's; nothing is signed for it, and an update without entries is nobody's either.
        return new PriceUpdate { Round = Math.Max(0, commit.Round), Entries = entries.MoveToImmutable() };
    }

    private void AddByClass(IReadOnlyList<ByteString> pool, ResponsePrepareProposal response, long bytesLeft)
    {
        ImmutableArray<VerifiedTransaction> verdicts = Verified.VerifyAll(pool);
        var seen = new HashSet<ByteString>();
        ReadOnlySpan<TransactionClass> classes =
            [TransactionClass.RiskReducing, TransactionClass.PostOnly, TransactionClass.Other];
        foreach (TransactionClass wanted in classes)
        {
            for (int i = 0; i < pool.Count; i++)
            {
                if (verdicts[i].Transaction is { } transaction
                    && transaction.Class == wanted
                    && WireSize(pool[i].Length) <= bytesLeft
                    && seen.Add(pool[i]))
                {
                    bytesLeft -= WireSize(pool[i].Length);
                    response.Txs.Add(pool[i]);
                }
            }
        }
    }

    // Null with the block when the proposal may be executed; otherwise why it is refused. A function of the committed
    // state and the request alone.
    private string? Judge(RequestProcessProposal request, out Block? block)
    {
        block = null;
        if (request.Height != Chain.Height + (Chain.HasOpenBlock ? 0 : 1))
        {
            return $"expected height {Chain.Height + 1}";
        }

        DropCandidate();
        int first = 0;
        ImmutableArray<ValidatorReports> reports = [];
        bool claimed = request.Txs.Count > 0 && PriceUpdate.IsClaimedBy(request.Txs[0].Span);
        if (claimed != NeedsPriceUpdate(request.Height))
        {
            return PriceUpdateVerdict.WrongPresence.ToString();
        }

        if (claimed)
        {
            PriceUpdateVerdict verdict = Judge(request, out reports);
            if (verdict != PriceUpdateVerdict.Valid)
            {
                return $"price update: {verdict}";
            }

            first = 1;
        }

        return JudgeTransactions(request, first, reports, out block);
    }

    private PriceUpdateVerdict Judge(RequestProcessProposal request, out ImmutableArray<ValidatorReports> reports)
    {
        reports = [];
        ImmutableArray<Validator> validators = Chain.ValidatorsAt(request.Height - 1);
        CommitInfo commit = request.ProposedLastCommit;
        if (PriceUpdate.Decode(request.Txs[0].Span) is not { } update)
        {
            return PriceUpdateVerdict.Malformed;
        }

        if (commit.Votes.Count != validators.Length)
        {
            return PriceUpdateVerdict.WrongCount;
        }

        var committed = ImmutableArray.CreateBuilder<bool>(validators.Length);
        Span<byte> address = stackalloc byte[Address.Size];
        for (int i = 0; i < validators.Length; i++)
        {
            // The commit of the block must name our own validators with our own powers.
            VoteInfo vote = commit.Votes[i];
            validators[i].Address.CopyTo(address);
            if (!vote.Validator.Address.Span.SequenceEqual(address)
                || vote.Validator.Power != validators[i].Power)
            {
                return PriceUpdateVerdict.WrongCount;
            }

            committed.Add(vote.BlockIdFlag == BlockIDFlag.Commit);
        }

        PriceUpdateVerdict verdict = update.Check(validators, committed.MoveToImmutable(), commit.Round);
        if (verdict != PriceUpdateVerdict.Valid)
        {
            return verdict;
        }

        for (int i = 0; i < validators.Length; i++)
        {
            PriceUpdateEntry entry = update.Entries[i];
            if (entry.IsPresent
                && !IsSigned(
                    validators[i], request.Height - 1, update.Round, entry.Extension,
                    entry.Signature))
            {
                return PriceUpdateVerdict.BadSignature;
            }
        }

        reports = update.Reports(validators);
        return PriceUpdateVerdict.Valid;
    }

    private string? JudgeTransactions(
        RequestProcessProposal request, int first, ImmutableArray<ValidatorReports> reports, out Block? block)
    {
        block = null;
        var users = new List<ByteString>(request.Txs.Count);
        var seen = new HashSet<ByteString>();
        for (int i = first; i < request.Txs.Count; i++)
        {
            if (!seen.Add(request.Txs[i]))
            {
                return $"transaction {i} is there twice";
            }

            users.Add(request.Txs[i]);
        }

        ImmutableArray<VerifiedTransaction> verdicts = Verified.VerifyAll(users);
        var last = TransactionClass.RiskReducing;
        for (int i = 0; i < verdicts.Length; i++)
        {
            if (verdicts[i].Transaction is not { } transaction)
            {
                return $"transaction {first + i}: {verdicts[i].Code}";
            }

            if (transaction.Class < last)
            {
                return $"transaction {first + i} of class {transaction.Class} comes after one of class {last}";
            }

            last = transaction.Class;
        }

        block = BlockOf(request.Height, request.Time, request.Misbehavior, reports, verdicts);
        return null;
    }

    private static Block BlockOf(
        long height,
        Google.Protobuf.WellKnownTypes.Timestamp time,
        IEnumerable<Misbehavior> misbehavior,
        ImmutableArray<ValidatorReports> reports,
        ImmutableArray<VerifiedTransaction> verdicts)
    {
        var evidence = ImmutableArray.CreateBuilder<StateMachine.Misbehavior>();
        foreach (Misbehavior fault in misbehavior)
        {
            evidence.Add(new StateMachine.Misbehavior(
                (MisbehaviorKind)(byte)fault.Type, new Address(fault.Validator.Address.Span), fault.Height));
        }

        return new Block
        {
            Height = height,
            Time = WireTime.ToNanoseconds(time),
            Misbehavior = evidence.ToImmutable(),
            PriceUpdate = reports,
            Transactions = ImmutableArray.CreateRange(verdicts, static verdict => verdict.Transaction),
            UndecodedCodes = ImmutableArray.CreateRange(verdicts, static verdict => verdict.Code),
        };
    }

    private bool IsSigned(
        Validator validator,
        long height,
        int round,
        ReadOnlySpan<byte> extension,
        ReadOnlySpan<byte> signature) =>
        _signatures.Verify(
            validator.PublicKey.AsSpan(),
            SignBytes.VoteExtension(
                Chain.ChainId, height, round, extension, stackalloc byte[SignBytes.UsualSize]),
            signature);

    // Repeated bytes field number 1: tag, length, content.
    private static long WireSize(int length) => 1 + CodedOutputStream.ComputeLengthSize(length) + length;
}
