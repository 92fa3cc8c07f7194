using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Collateral that comes in: credited once, when enough guardians attest the same (VAULT-5, VAULT-6).
/// </summary>
internal sealed class Deposits
{
    private const long Life = 7 * AgentRow.DayNanoseconds;
    private const int OpenPerGuardianMax = 32;
    private const int DuePerBlockMax = 32;

    private readonly State _state;
    private readonly Flows _flows;

    /// <summary>Deposits of a state.</summary>
    public Deposits(State state, Flows flows)
    {
        _state = state;
        _flows = flows;
    }

    /// <summary>A guardian attests a deposit; with the last attestation it is credited.</summary>
    public ResultCode Attest(Address signer, DepositAttestation content, BlockContext context)
    {
        ResultCode code = Councils.Find(_state, CouncilKind.Guardians, signer, out int council, out int guardian);
        code = code == ResultCode.Ok ? Check(content) : code;
        if (code != ResultCode.Ok)
        {
            return code;
        }

        ref readonly CouncilRow guardians = ref _state.Councils.Read(council);
        DepositKey key = DepositKey.Of(content.DepositId, content.Recipient, content.Amount);
        if (!_state.PendingDeposits.TryFind(key, out int slot))
        {
            if (!HasRoom(guardian, guardians.Version))
            {
                return ResultCode.TooManyDeposits;
            }

            slot = Open(key, content, guardian, guardians.Version, context);
        }

        ref PendingDepositRow pending = ref _state.PendingDeposits.Write(slot);
        if (pending.CouncilVersion != guardians.Version)
        {
            // Attestations of guardians who are no more count nothing.
            pending.CouncilVersion = guardians.Version;
            pending.Attestations = 0;
            pending.Opener = (byte)guardian;
        }

        if ((pending.Attestations >> guardian & 1) != 0)
        {
            return ResultCode.AlreadyVoted;
        }

        pending.Attestations |= (ushort)(1 << guardian);
        int attestations = CouncilRow.Count(pending.Attestations);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.DepositAttested,
            Account = -1,
            Counterparty = -1,
            Quantity = attestations,
            Amount = pending.Amount,
            Data = pending.Id.DepositId.ToArray(),
        });
        if (attestations >= guardians.Terms.Threshold)
        {
            Credit(slot, context);
        }

        return ResultCode.Ok;
    }

    /// <summary>Step 6 of a block: deposits that nobody attested further are forgotten.</summary>
    public void Step(BlockContext context)
    {
        // BOUND: a few a block; the rest is due in the next one.
        for (int i = 0; i < DuePerBlockMax && _state.DueDeposits.TryPeek(context.Time, out DepositKey key); i++)
        {
            bool found = _state.PendingDeposits.TryFind(key, out int slot);
            Invariant.Assert(found);
            Remove(slot);
        }
    }

    private ResultCode Check(DepositAttestation content)
    {
        if (content.Amount is <= 0 or > Limits.AmountMax)
        {
            return ResultCode.InvalidAmount;
        }

        if (content.Recipient.Subaccount > AccountId.SubaccountMax)
        {
            return ResultCode.InvalidSubaccount;
        }

        return _state.CreditedDeposits.TryFind(content.DepositId, out _)
            ? ResultCode.DepositAlreadyCredited
            : ResultCode.Ok;
    }

    private int Open(
        in DepositKey key, DepositAttestation content, int guardian, ulong councilVersion, BlockContext context)
    {
        long due = context.Time + Life;
        _state.DueDeposits.Add(due, key);
        return _state.PendingDeposits.Add(new PendingDepositRow
        {
            Id = key,
            Recipient = content.Recipient,
            Amount = content.Amount,
            CouncilVersion = councilVersion,
            Opener = (byte)guardian,
            DueTime = due,
        });
    }

    private bool HasRoom(int guardian, ulong councilVersion)
    {
        int open = 0;
        // BOUND: each guardian has a limit, and what is older than its life is gone.
        foreach (DepositKey key in _state.DueDeposits.Keys())
        {
            _state.PendingDeposits.TryFind(key, out int slot);
            ref readonly PendingDepositRow row = ref _state.PendingDeposits.Read(slot);
            open += row.Opener == guardian && row.CouncilVersion == councilVersion ? 1 : 0;
        }

        return open < OpenPerGuardianMax;
    }

    private void Credit(int slot, BlockContext context)
    {
        PendingDepositRow deposit = _state.PendingDeposits.Read(slot);
        Remove(slot);
        _state.CreditedDeposits.Add(new CreditedDepositRow
        {
            DepositId = deposit.Id.DepositId,
            Recipient = deposit.Recipient,
            Amount = deposit.Amount,
            Height = context.Height,
            CouncilVersion = deposit.CouncilVersion,
            Attestations = deposit.Attestations,
        });
        int account = _state.FindOrOpenAccount(deposit.Recipient);
        Settlement.AddCollateral(_state, context, account, deposit.Amount);
        _state.Pool.Write(0).Held += deposit.Amount;
        _flows.Credited(deposit.Recipient.Owner, deposit.Amount, context.Time);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.DepositCredited,
            Account = account,
            Counterparty = -1,
            Amount = deposit.Amount,
            Data = deposit.Id.DepositId.ToArray(),
        });
    }

    private void Remove(int slot)
    {
        ref readonly PendingDepositRow deposit = ref _state.PendingDeposits.Read(slot);
        _state.DueDeposits.Remove(deposit.DueTime, deposit.Id);
        _state.PendingDeposits.Remove(slot);
    }
}
