using System.Collections.Generic;
using System.Linq;

namespace AppChain.Simulation;

/// <summary>An error put into the product on purpose, and a seed whose run must find it.</summary>
/// <param name="Name">What is wrong, in the words of a bug report.</param>
/// <param name="Seed">A seed that catches it; the product as it is passes the run of the same seed.</param>
/// <param name="Hours">Virtual hours of the run.</param>
/// <param name="Changes">The lines that are wrong.</param>
internal sealed record PlantedFault(string Name, int Seed, double Hours, IReadOnlyList<Change> Changes)
{
    /// <summary>The name as a directory.</summary>
    public string Slug => string.Concat(Name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));
}

/// <summary>The planted faults: in state machine, engine, store, codec and signer.</summary>
internal static class PlantedFaults
{
    private const double Usual = 0.03;

    /// <summary>Those that their seeds catch.</summary>
    public static IReadOnlyList<PlantedFault> All { get; } =
    [
        // State machine.
        One("The maker pays the taker's fee", 1, "src/StateMachine/Books/Matching.cs",
            "market.Parameters.MakerFeePpm);",
            "market.Parameters.TakerFeePpm);"),
        One("Fees are rounded down", 1, "src/Margin/Fees.cs",
            "Arithmetic.PpmCeil(notional, feePpm)", "Arithmetic.PpmFloor(notional, feePpm)"),
        One("A transfer loses a micro-USD", 1, "src/StateMachine/Transactions/TransactionExecution.cs",
            "Settlement.AddCollateral(_state, context, recipient, operation.Amount - fee);",
            "Settlement.AddCollateral(_state, context, recipient, operation.Amount - fee - 1);"),
        One("A requested withdrawal is not set aside", 1, "src/StateMachine/Vault/Withdrawals.cs",
            "_state.Pool.Write(0).Leaving += amount;", ""),
        One("The risk schedule sleeps", 4, "src/StateMachine/Liquidations/RiskSchedule.cs",
            "at <= _travelled[slot])", "at + 500 <= _travelled[slot])"),
        One("Makers are not looked at after a liquidation", 45, "src/StateMachine/Liquidations/LiquidationSweep.cs",
            "        LookAgain(context);\n", ""),
        One("An order rests a block too long", 1, "src/StateMachine/Books/RestingOrders.cs",
            "Expire(_state.HeightExpiries, context.Height, byHeight: true, context);",
            "Expire(_state.HeightExpiries, context.Height - 1, byHeight: true, context);"),
        One("An order trades with one maker only", 1, "src/StateMachine/Books/Matching.cs",
            "while (taker.Quantity > 0)", "while (taker.Quantity > 0 && !result.HasMatched)"),
        One("A used nonce is free", 9189, "src/StateMachine/Rows/NonceRow.cs",
            "Used[(int)(distance / 64)] |= 1UL << (int)(distance % 64);",
            "Used[(int)(distance / 64)] |= 0UL << (int)(distance % 64);"),
        One("Undo forgets a row", 1, "src/StateMachine/State/Table.cs",
            "_slots[slot].Row = _images[--_imageCount];", "--_imageCount;"),
        One("A dropped candidate stays in the tree", 1, "src/StateMachine/Exchange.cs", "        _tree.Drop();\n", ""),
        One("A removed validator leaves a block early", 6, "src/StateMachine/Blocks/ValidatorChanges.cs",
            "private const int Delay = 2;", "private const int Delay = 1;"),
        new("The engine is not told who joins", 1, 0.05,
        [
            new("src/StateMachine/Blocks/ValidatorChanges.cs",
                "if (PowerIn(before, validator) != validator.Power)",
                "if (PowerIn(before, validator) != 0 && PowerIn(before, validator) != validator.Power)"),
        ]),
        new("Half of the power leaves at once", 2, 0.05,
        [
            new("src/StateMachine/Vault/ValidatorPowers.cs", "3 * lost >= before", "2 * lost >= before"),
        ]),
        One("Whatever power a validator had, it gets another", 1, "src/StateMachine/Vault/ValidatorPowers.cs",
            "builder[place].Power) != change.PowerBefore)", "builder[place].Power) < 0)"),
        One("A changed set stays in the order of the proposal", 1, "src/StateMachine/Vault/ValidatorPowers.cs",
            "        builder.Sort();\n", ""),
        One("A set changes again before it votes", 1, "src/StateMachine/Blocks/ValidatorChanges.cs",
            "At(state, context.Height) != set || ", ""),
        One("The highest report makes the price", 18, "src/StateMachine/Oracle/PriceAggregate.cs",
            "(long)Arithmetic.DivFloor((Int128)FromBelow(votes, 2) + FromAbove(votes, 2), 2);", "votes[^1].Value;",
            "        Span<Vote> prices = stackalloc Vote[_reports.Count];",
            "        if (Median > 0) return Median;\n        Span<Vote> prices = stackalloc Vote[_reports.Count];"),
        One("Funding is rounded down", 1, "src/Margin/FundingPayment.cs",
            "Int128 owed = -(-part >> ScaleBits);", "Int128 owed = part >> ScaleBits;"),
        One("One guardian releases a withdrawal", 1, "src/StateMachine/Vault/Releases.cs",
            "if (signatures >= guardians.Terms.Threshold)", "if (signatures >= 1)"),
        One("One guardian credits a deposit", 1, "src/StateMachine/Vault/Deposits.cs",
            "if (attestations >= guardians.Terms.Threshold)", "if (attestations >= 1)"),
        One("What has left is still leaving", 1, "src/StateMachine/Vault/Releases.cs",
            "        pool.Leaving -= row.Amount;\n", ""),
        One("A change of parameters is handed over a block late", 4, "src/StateMachine/Exchange.cs",
            "row.FromHeight == block.Height + 1 ? row.Parameters : null",
            "row.FromHeight == block.Height && block.Height > 1 ? row.Parameters : null"),
        One("Of two changes of parameters in a block the first counts", 4,
            "src/StateMachine/Vault/ProposalExecution.cs", "_state.ConsensusParameters.Write(slot) = row;",
            "if (_state.ConsensusParameters.Read(slot).FromHeight != row.FromHeight) "
            + "_state.ConsensusParameters.Write(slot) = row;"),
        One("One guardian changes the parameters", 4, "src/StateMachine/Vault/Councils.cs",
            "if (approvals >= terms.Threshold)", "if (approvals >= 1)",
            "Invariant.Assert(CouncilRow.Count(proposal.Approvals) >= council.Terms.Threshold);", ""),
        One("A vetoed change happens", 5, "src/StateMachine/Vault/Councils.cs",
            "if (vetoes >= _state.Councils.Read(council).Terms.VetoThreshold)", "if (vetoes > 16)",
            "Invariant.Assert(CouncilRow.Count(proposal.Vetoes) < council.Terms.VetoThreshold);", ""),
        One("A block may be too small for evidence", 5, "src/StateMachine/Vault/ConsensusParameters.cs",
            "EvidenceBytes > BlockBytes - RoomBytes", "false"),
        new("The fund pays more than it has", 9025, 0.1,
        [
            new("src/StateMachine/Liquidations/LiquidationSweep.cs",
                "Int128.Max(amount, -_state.Pool.Read(0).InsuranceFund)", "amount"),
        ]),
        // Application.
        One("Any candidate is the decided block", 1, "src/Node/Application/Application.Blocks.cs",
            "_candidate.Hash != request.Hash || ", ""),
        One("Signatures of a price update are not verified", 27, "src/Node/Application/Application.Proposal.cs",
            "                    entry.Signature))",
            "                    entry.Signature) && false)"),
        // Store.
        One("The genesis is not kept", 1, "src/Node/Storage/ChainStore.cs",
            "genesis is null ? 0 : PutRecord(batch, genesis);", "0;"),
        One("The change log is not flushed", 1, "src/Node/Storage/ChainStore.cs",
            "_db.RequireSpace(size);\n            _db.Write(batch, durable: true);",
            "_db.RequireSpace(size);\n            _db.Write(batch, durable: false);"),
        One("Removed rows stay on the disk", 1, "src/Node/Storage/RowWriter.cs",
            "batch.Delete(DiskLayout.Rows, row.Key);", ""),
        One("The change log forgets old values", 2, "src/Node/Storage/ChangeRecord.cs",
            "changes[i].Key, before[i], changes[i].Value);", "changes[i].Key, null, changes[i].Value);"),
        One("Blocks and results are not flushed before the application commits", 1, "localnet/Engine/BlockStore.cs",
            "so this one wait covers them too.\n        _log.Sync();\n", "\n"),
        One("A torn record counts", 1, "localnet/Engine/RecordLog.cs",
            " || length > _stream.Length - _stream.Position) break;", ") break;"),
        One("A received snapshot is not kept", 1, "src/Node/Application/Application.Snapshots.cs",
            "        _store.Restore(height, restore.Snapshot.AppHash, rows);\n", ""),
        One("A chunk that comes twice counts twice", 1, "src/Node/Snapshots/SnapshotRestore.cs",
            "_missing -= _rows[index] is null ? 1 : 0;", "_missing--;"),
        One("A chunk is not proven", 1, "src/Node/Snapshots/SnapshotRestore.cs",
            "return ++_refusals < RefusalsMax ? ChunkVerdict.Refused : ChunkVerdict.Hopeless;",
            "_refusals++;"),
        // Codec.
        One("A good-til height is lost on the disk", 1, "src/StateMachine/Rows/OrderRow.cs",
            "GoodTilHeight = value.ReadInt64(),", "GoodTilHeight = value.ReadInt64() & 0,"),
        One("The funding index of a position is lost on the disk", 1, "src/StateMachine/Rows/PositionRow.cs",
            "FundingIndex = value.ReadInt128(),", "FundingIndex = value.ReadInt128() & 0,"),
        One("Who signed a release is lost on the disk", 1, "src/StateMachine/Vault/WithdrawalRow.cs",
            "Signers = value.ReadUInt16(),", "Signers = (ushort)(value.ReadUInt16() & 0),"),
        One("Used nonces are lost on the disk", 1, "src/StateMachine/Rows/NonceRow.cs",
            "row.Used[i] = value.ReadUInt64();", "row.Used[i] = value.ReadUInt64() & 0;"),
        One("A vote loses its extension on the wire", 1, "localnet/Engine/InputCodec.cs",
            "        IMessage message => message",
            "        Vote vote => new Vote(vote) { Extension = ByteString.Empty }.CalculateSize(),\n"
            + "        IMessage message => message",
            "vote.WriteTo(content);",
            "new Vote(vote) { Extension = ByteString.Empty }.WriteTo(content);"),
        One("Two hashes of the stored state change places", 1, "localnet/Engine/ChainState.cs",
            "        Write(writer, AppHash.Span);\n        Write(writer, LastResultsHash.Span);\n",
            "        Write(writer, LastResultsHash.Span);\n        Write(writer, AppHash.Span);\n"),
        One("A fill tells of both fees the wrong way round", 1, "src/Node/Application/EventEncoding.cs",
            "(\"taker_fee\", e.Amount), (\"maker_fee\", e.Amount2));",
            "(\"taker_fee\", e.Amount2), (\"maker_fee\", e.Amount));"),
        One("The height of a change of parameters is lost on the disk", 4,
            "src/StateMachine/Vault/ConsensusParameters.cs",
            "FromHeight = value.ReadInt64(),", "FromHeight = value.ReadInt64() & 0,"),
        One("Who approved a proposal is lost on the disk", 4, "src/StateMachine/Vault/ProposalRow.cs",
            "Approvals = value.ReadUInt16(),", "Approvals = (ushort)(value.ReadUInt16() & 0),"),
        // Engine and signer.
        One("Proposer priorities are lost on the disk", 1, "localnet/Engine/ChainState.cs",
            "reader.ReadInt64(), reader.ReadInt64());\n        }",
            "reader.ReadInt64(), reader.ReadInt64() & 0);\n        }"),
        One("A change of parameters is lost when its results are read back", 9194, "localnet/Engine/Handshake.cs",
            "committed height {height}, but its results are not stored\");\n",
            "committed height {height}, but its results are not stored\");\n        response.ConsensusParamUpdates = "
            + "null;\n"),
        One("A removal is lost when its results are read back", 9190, "localnet/Engine/Handshake.cs",
            "committed height {height}, but its results are not stored\");\n",
            "committed height {height}, but its results are not stored\");\n        "
            + "response.ValidatorUpdates.Clear();\n"),
        One("A change keeps the age of evidence", 4, "localnet/Engine/ParameterRules.cs",
            "if (update.Evidence is not null) next.Evidence = update.Evidence.Clone();",
            "if (update.Evidence is not null) next.Evidence.MaxBytes = update.Evidence.MaxBytes;"),
        One("A change of parameters loses the version of the application", 4,
            "src/Node/Application/EngineParameters.cs",
            "        Version = new VersionParams { App = NodeVersion.Consensus },\n",
            "        Version = new VersionParams(),\n"),
        new("The hash of the parameters in a header is not checked", 9228, 0.1,
        [
            new("localnet/Engine/BlockRules.cs",
                "        if (header.ConsensusHash != BlockHashes.ConsensusParams(state.Parameters)) return \"wrong "
                + "consensus hash\";\n",
                ""),
        ]),
        One("Half of the power is a majority", 1, "localnet/Engine/ValidatorSet.cs", "TotalPower * 2 / 3 + 1;",
            "TotalPower / 2;"),
        One("The signer's record is not durable", 9190, "src/Hsm/Guard/SignGuard.cs",
            "                    _save(next);\n                    _state = next;\n                    return",
            "                    _state = next;\n                    return"),
        One("A validator forgets its lock", 8, "localnet/Engine/ConsensusState.Steps.cs",
            "        if (LockedBlock is not null) return LockedBlock;\n", "",
            "ValidBlock ?? BuildBlock()", "BuildBlock()"),
        new("An own vote that others brought back leads nowhere", 13000895, 0.05,
        [
            new("localnet/Engine/ConsensusState.Votes.cs",
                "bool isOwnAgain = from == Self && outcome == VoteOutcome.Duplicate;", "bool isOwnAgain = false;"),
        ]),
        new("Prevotes that came early are forgotten where the signer refuses", 13000213, 0.05,
        [
            new("localnet/Engine/ConsensusState.Steps.cs",
                "        if (_unsigned is not null) OnPrevote(round);\n", ""),
        ]),
        One("A precommit does not wait for a majority", 2, "localnet/Engine/ConsensusState.Steps.cs",
            "        if (majority is null) return null;\n        if (BlockIds.IsNil(majority))",
            "        if (majority is null) return ProposalBlock;\n        if (BlockIds.IsNil(majority))"),
        One("Signatures of votes are not verified", 27, "localnet/Engine/VoteSet.cs",
            "if (!Signatures.Verify(vote, _chainId, validator.PublicKey, _verified)) return VoteOutcome.Invalid;", ""),
        new("The app hash of a header is not checked", 9228, 0.1,
        [
            new("localnet/Engine/BlockRules.cs",
                "        if (header.AppHash != state.AppHash) return \"wrong application hash\";\n", ""),
        ]),
        One("The results are kept after the commit", 10, "localnet/Engine/BlockExecutor.cs",
            "        _store.SaveResponse(block.Height, response);\n        "
            + "Reached?.Invoke(WritePoint.ResponseSaved);\n",
            "",
            "            Reached?.Invoke(WritePoint.Committed);\n",
            "            Reached?.Invoke(WritePoint.Committed);\n            _store.SaveResponse(block.Height, "
            + "response);\n"),
        One("The handshake replays a block too few", 9175, "localnet/Engine/Handshake.cs",
            "height <= to; height++)", "height < to; height++)"),
        One("Who is behind gets no blocks", 1, "localnet/Engine/ConsensusGossip.cs",
            "        if (!peer.HasBlock) host.Send(to, block);\n    }", "    }"),
        One("Votes may be older than the block", 1, "localnet/Engine/ConsensusState.Steps.cs",
            "return Math.Max(now, WireTime.ToNanoseconds(block.Block.Header.Time) + MillisecondOfChain);",
            "return now;"),
        One("What a signature follows from is not flushed", 63, "localnet/Engine/ConsensusState.Steps.cs",
            "        if (!_isReplaying) _log.Sync();\n", ""),
        new("The guard lets a changed vote pass, and the inputs are not logged", 9190, Usual,
        [
            new("src/Hsm/Guard/SignState.cs",
                "        if (order > 0) return SignDecision.Sign;",
            "        if (order >= 0) return SignDecision.Sign;"),
            new("localnet/Engine/ConsensusState.cs", "if (!_isReplaying) _log.Append(from, input);", ""),
        ]),
    ];

    /// <summary>
    /// Faults whose seed is still to be found: <c>./appchain simulate --planted NAME --seed 1 --seeds 50</c> hunts for
    /// it.
    /// </summary>
    public static IReadOnlyList<PlantedFault> Hunted { get; } = [];

    private static PlantedFault One(string name, int seed, string file, params string[] changes) =>
        new(name, seed, Usual, [.. changes.Chunk(2).Select(pair => new Change(file, pair[0], pair[1]))]);
}
