using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>
/// What the guardians of the vault do: sign the releases that the chain asks for, veto now and then, attest deposits,
/// and change the parameters of consensus and who votes. Three of them, two of whom decide. They read the chain as
/// their nodes show it.
/// </summary>
internal sealed class Guardians(World world, Random random, TransactionSigner[] signers)
{
    /// <summary>Number of guardians.</summary>
    public const int Count = 3;

    /// <summary>Guardians who decide.</summary>
    public const int Threshold = 2;

    /// <summary>Seconds between a decision and what it changes.</summary>
    public const long TimelockSeconds = 3;

    private const int ReleasesAtOnce = 5;
    private const int ProposalsAtOnce = 3;
    private const int LeastValidators = 3;
    private const long Mebibyte = 1 << 20;
    private readonly List<DepositAttestation> _deposits = [];
    private readonly Rows _rows = new();
    private readonly PowerOfLiars _power = new(world);

    /// <summary>Timelocks of 5 s and, from 100 USD in all, 20 s; caps that are met at times; 20 s to sign.</summary>
    public GenesisVault Vault => new(
        new CouncilTerms(
            [.. signers.Take(Count).Select(signer => signer.PublicKey.ToImmutableArray())],
            Threshold,
            1,
            TimelockSeconds),
        new VaultTerms([new TimelockTier(0, 5), new TimelockTier(100_000_000, 20)], 500_000_000, 2_000_000_000, 20));

    /// <summary>What a guardian does now; nothing, if no release waits for it and no deposit comes.</summary>
    public IEnumerable<Operation> Act(int guardian)
    {
        double share = world.Faulty ? world.Swarm.ParameterChanges : 0;
        if (share > 0 && random.NextDouble() < share)
        {
            foreach (Operation operation in Decide(guardian, Wish)) yield return operation;
            yield break;
        }
        share = world.Faulty ? world.Swarm.PowerChanges : 0;
        if (share > 0 && random.NextDouble() < share)
        {
            foreach (Operation operation in Decide(guardian, Powers)) yield return operation;
            yield break;
        }
        if (random.Next(3) == 0)
        {
            yield return new Operation { Kind = OperationKind.AttestDeposit, Content = Deposit() };
            yield break;
        }
        List<WithdrawalRow> withdrawals = AnyNode().Of<ulong, WithdrawalRow>();
        int waiting = withdrawals.FindIndex(row => row.State == WithdrawalState.Waiting);
        if (waiting >= 0 && random.Next(10) == 0)
        {
            yield return new Operation
            {
                Kind = OperationKind.VetoWithdrawal,
                Content = new NumberedTarget(withdrawals[waiting].Id),
            };
            yield break;
        }
        IEnumerable<WithdrawalRow> asked = withdrawals
            .Where(row => row.State == WithdrawalState.Releasable && (row.Signers >> guardian & 1) == 0)
            .Take(ReleasesAtOnce);
        foreach (WithdrawalRow row in asked)
            yield return new Operation
            {
                Kind = OperationKind.SignRelease,
                Content = signers[guardian].Sign(row.Release),
            };
    }

    // What others propose is approved, some at once so that one block executes them, or vetoed now and then; else
    // something is proposed.
    private IEnumerable<Operation> Decide(int guardian, Func<IOperationContent> wish)
    {
        List<ProposalRow> proposals = AnyNode().Of<ulong, ProposalRow>();
        // One that waits for the set to become what it says takes the room of others.
        ProposalRow waiting = proposals.Find(row => row.State == ProposalState.Approved && row.DueTime > row.ReadyTime);
        if (waiting.Id != 0)
        {
            yield return new Operation
            {
                Kind = OperationKind.VetoProposal, Content = new NumberedTarget(waiting.Id),
            };
            yield break;
        }
        List<ProposalRow> open = [.. proposals
            .Where(row => row.State == ProposalState.Open && (row.Approvals >> guardian & 1) == 0)];
        if (open.Count == 0 || random.Next(3) == 0)
        {
            yield return new Operation { Kind = OperationKind.Propose, Content = wish() };
            yield break;
        }
        bool vetoes = random.Next(12) == 0;
        foreach (ProposalRow row in open.Take(ProposalsAtOnce))
        {
            OperationKind? kind = vetoes ? OperationKind.VetoProposal : _power.Judge(row.Id);
            if (kind is not null)
                yield return new Operation { Kind = kind.Value, Content = new NumberedTarget(row.Id) };
        }
    }

    private Rows AnyNode()
    {
        _rows.LookAt(world.Machines[random.Next(world.Swarm.Validators)].Disk, world.Auditor.Height);
        return _rows;
    }

    // Mostly within the bounds, often at one of them; the others must be refused, and a block would have no room in
    // some.
    private ConsensusParameters Wish()
    {
        long evidence = random.Next(3) == 0 ? 65_536 : random.NextInt64(65_536, 3 * Mebibyte);
        long block = random.Next(3) == 0 ? evidence + Mebibyte : random.NextInt64(evidence + Mebibyte, 21 * Mebibyte);
        long blocks = random.Next(3) == 0 ? 1_000 : random.NextInt64(1_000, 100_000_000);
        long seconds = random.Next(3) == 0 ? 3_600 : random.NextInt64(3_600, 31_536_000);
        switch (random.Next(20))
        {
            case 0: block = evidence + Mebibyte - 1; break;
            case 1: block = random.NextInt64(1, Mebibyte); break;
            case 2: evidence = random.Next(65_536); break;
            case 3: block = (21 * Mebibyte) + 1; break;
            case 4: blocks = 999; break;
            case 5: seconds = 31_536_001; break;
            default: break;
        }
        return new ConsensusParameters(block, blocks, seconds, evidence);
    }

    // One or two validators join, leave or get another power; some of it is out of date, too much, or out of order.
    private ValidatorPowers Powers()
    {
        // A node that has not begun, or begins anew, shows none.
        List<ValidatorSetRow> sets = AnyNode().Of<long, ValidatorSetRow>();
        ImmutableArray<Validator> set = sets.Count == 0 ? [] : sets[^1].Validators;
        var changes = new List<PowerChange>();
        int first = random.Next(world.Machines.Count);
        for (int i = 0; i < random.Next(1, 3); i++)
        {
            Machine machine = world.Machines[(first + i) % world.Machines.Count];
            ImmutableArray<byte> key = [.. machine.Key.PublicKey.Span];
            long before = set.FirstOrDefault(one => one.PublicKey.AsSpan().SequenceEqual(key.AsSpan())).Power;
            if (random.Next(15) == 0) before++;
            bool leaves = before > 0 && set.Length > LeastValidators && random.Next(4) == 0;
            // Liars get less, so that what is proposed may be approved.
            bool isTrusted = machine.Index < world.Swarm.Validators - world.Swarm.Liars;
            int least = world.Swarm.Liars > 0 && isTrusted ? 5 : 1;
            long after = leaves ? 0 : random.Next(least, isTrusted ? 15 : 10);
            changes.Add(new PowerChange(key, after == before ? after + 1 : after, before));
        }
        changes.Sort((left, right) => left.PublicKey.AsSpan().SequenceCompareTo(right.PublicKey.AsSpan()));
        if (random.Next(20) == 0) changes.Reverse();
        return new ValidatorPowers([.. changes]);
    }

    // A deposit of which this guardian is the first to hear, or one that another has told of.
    private DepositAttestation Deposit()
    {
        if (_deposits.Count > 0 && random.Next(3) > 0) return _deposits[random.Next(_deposits.Count)];
        byte[] id = new byte[32];
        random.NextBytes(id);
        var recipient = new AccountId(signers[random.Next(signers.Length)].Owner, 0);
        var deposit = new DepositAttestation(new Sha256Digest(id), recipient, random.Next(1, 150) * 1_000_000L);
        if (_deposits.Count < 4) _deposits.Add(deposit);
        else _deposits[random.Next(4)] = deposit;
        return deposit;
    }
}
