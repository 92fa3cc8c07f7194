using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>
/// What the guardians of the vault do: sign the releases that the chain asks for, veto now and then, and attest deposits.
/// Three of them, two of whom decide. They read the chain as their nodes show it.
/// </summary>
internal sealed class Guardians(World world, Random random, TransactionSigner[] signers)
{
    /// <summary>Number of guardians.</summary>
    public const int Count = 3;

    private const int ReleasesAtOnce = 5;
    private readonly List<DepositAttestation> _deposits = [];

    /// <summary>Timelocks of 5 s and, from 100 USD in all, 20 s; caps that are met at times; 20 s to sign.</summary>
    public GenesisVault Vault => new(
        new CouncilTerms([.. signers.Take(Count).Select(signer => signer.PublicKey.ToImmutableArray())], 2, 1, 0),
        new VaultTerms([new TimelockTier(0, 5), new TimelockTier(100_000_000, 20)], 500_000_000, 2_000_000_000, 20));

    /// <summary>What a guardian does now; nothing, if no release waits for it and no deposit comes.</summary>
    public IEnumerable<Operation> Act(int guardian)
    {
        if (random.Next(3) == 0)
        {
            yield return new Operation { Kind = OperationKind.AttestDeposit, Content = Deposit() };
            yield break;
        }
        var rows = new Rows(world.Machines[random.Next(world.Swarm.Validators)].Disk);
        List<WithdrawalRow> withdrawals = [.. rows.Of<ulong, WithdrawalRow>()];
        WithdrawalRow? waiting = withdrawals.Where(row => row.State == WithdrawalState.Waiting).Cast<WithdrawalRow?>().FirstOrDefault();
        if (waiting is { } doubtful && random.Next(10) == 0)
        {
            yield return new Operation { Kind = OperationKind.VetoWithdrawal, Content = new NumberedTarget(doubtful.Id) };
            yield break;
        }
        IEnumerable<WithdrawalRow> asked = withdrawals
            .Where(row => row.State == WithdrawalState.Releasable && (row.Signers >> guardian & 1) == 0).Take(ReleasesAtOnce);
        foreach (WithdrawalRow row in asked)
            yield return new Operation { Kind = OperationKind.SignRelease, Content = signers[guardian].Sign(row.Release) };
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
