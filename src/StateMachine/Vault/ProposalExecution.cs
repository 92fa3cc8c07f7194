using System;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>What approved proposals do, and what may be proposed at all.</summary>
internal sealed class ProposalExecution
{
    private readonly State _state;

    /// <summary>Proposals of a state.</summary>
    public ProposalExecution(State state) => _state = state;

    /// <summary>
    /// Whether a proposal is well-formed and could be executed in an epoch of its own: InvalidPolicy, PolicyTooFast,
    /// InvalidAmount, InvalidSubaccount, InvalidNote or TreasuryLimit when not.
    /// </summary>
    public ResultCode Check(IOperationContent content) => content switch
    {
        VaultPolicy policy => Check(policy),
        TreasuryPolicy policy => Check(policy),
        TreasurySpend spend => Check(spend),
        ConsensusParameters parameters => parameters.Problem() is null ? ResultCode.Ok : ResultCode.InvalidPolicy,
        ValidatorPowers powers => powers.Problem() is null ? ResultCode.Ok : ResultCode.InvalidPolicy,
        _ => ResultCode.Malformed,
    };

    /// <summary>
    /// Executes an approved proposal; false when a limit, the balance or the validators do not allow it now.
    /// </summary>
    public bool TryExecute(in ProposalRow proposal, BlockContext context)
    {
        IOperationContent? content = ProposalDecoder.Decode(proposal.Payload.AsSpan());
        switch (content)
        {
            case VaultPolicy policy:
                return TryChange(policy, context);
            case TreasuryPolicy policy:
                return TryChange(policy, context);
            case TreasurySpend spend:
                return TrySpend(proposal.Id, spend, context);
            case ConsensusParameters parameters:
                Change(proposal.Id, parameters, context);
                return true;
            case ValidatorPowers powers:
                return ValidatorChanges.TryChange(_state, proposal.Id, powers, context);
            default:
                Invariant.Assert(false);
                return false;
        }
    }

    private ResultCode Check(VaultPolicy policy)
    {
        if (PolicyRules.Problem(policy.Council) is not null || PolicyRules.Problem(policy.Terms) is not null)
        {
            return ResultCode.InvalidPolicy;
        }

        bool isTooFast = PolicyRules.IsTooFast(policy.Terms, _state.Vault.Read(0).Terms)
            || PolicyRules.IsShortenedTooFast(
                policy.Council.TimelockSeconds, _state.CouncilOf(CouncilKind.Guardians).Terms.TimelockSeconds);
        return isTooFast ? ResultCode.PolicyTooFast : ResultCode.Ok;
    }

    private ResultCode Check(TreasuryPolicy policy)
    {
        if (PolicyRules.Problem(policy.Council) is not null || policy.EpochLimit is < 1 or > Limits.AmountMax)
        {
            return ResultCode.InvalidPolicy;
        }

        bool isTooFast = PolicyRules.IsRaisedTooFast(policy.EpochLimit, _state.Treasury.Read(0).EpochLimit)
            || PolicyRules.IsShortenedTooFast(
                policy.Council.TimelockSeconds, _state.CouncilOf(CouncilKind.Treasurers).Terms.TimelockSeconds);
        return isTooFast ? ResultCode.PolicyTooFast : ResultCode.Ok;
    }

    private ResultCode Check(TreasurySpend spend)
    {
        if (spend.Amount is <= 0 or > Limits.AmountMax)
        {
            return ResultCode.InvalidAmount;
        }

        if (spend.Recipient is { Subaccount: > AccountId.SubaccountMax })
        {
            return ResultCode.InvalidSubaccount;
        }

        if (spend.Note.Length > TreasurySpend.NoteBytesMax)
        {
            return ResultCode.InvalidNote;
        }

        return spend.Amount > _state.Treasury.Read(0).EpochLimit ? ResultCode.TreasuryLimit : ResultCode.Ok;
    }

    private bool TryChange(VaultPolicy policy, BlockContext context)
    {
        ref VaultRow vault = ref _state.Vault.Write(0);
        long epoch = TreasuryRow.EpochOf(context.Time);
        if (vault.Epoch != epoch)
        {
            vault.Epoch = epoch;
            vault.Base = vault.Terms;
            vault.BaseTimelockSeconds = _state.CouncilOf(CouncilKind.Guardians).Terms.TimelockSeconds;
        }

        if (PolicyRules.IsTooFast(policy.Terms, vault.Base)
            || PolicyRules.IsShortenedTooFast(policy.Council.TimelockSeconds, vault.BaseTimelockSeconds))
        {
            return false;
        }

        vault.Terms = policy.Terms;
        ChangeCouncil(CouncilKind.Guardians, policy.Council, context);
        return true;
    }

    private bool TryChange(TreasuryPolicy policy, BlockContext context)
    {
        ref TreasuryRow treasury = ref Treasury(context);
        if (PolicyRules.IsRaisedTooFast(policy.EpochLimit, treasury.BaseLimit)
            || PolicyRules.IsShortenedTooFast(policy.Council.TimelockSeconds, treasury.BaseTimelockSeconds))
        {
            return false;
        }

        treasury.EpochLimit = policy.EpochLimit;
        ChangeCouncil(CouncilKind.Treasurers, policy.Council, context);
        return true;
    }

    private bool TrySpend(ulong proposal, TreasurySpend spend, BlockContext context)
    {
        ref TreasuryRow treasury = ref Treasury(context);
        if (treasury.Spent + spend.Amount > treasury.EpochLimit || _state.Pool.Read(0).Fees < spend.Amount)
        {
            return false;
        }

        treasury.Spent += spend.Amount;
        _state.Pool.Write(0).Fees -= spend.Amount;
        int account = -1;
        if (spend.Recipient is { } recipient)
        {
            account = _state.FindOrOpenAccount(recipient);
            Settlement.AddCollateral(_state, context, account, spend.Amount);
        }
        else
        {
            _state.Pool.Write(0).InsuranceFund += spend.Amount;
        }

        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.TreasurySpent,
            Account = account,
            Counterparty = -1,
            OrderId = proposal,
            Amount = spend.Amount,
            Amount2 = _state.Pool.Read(0).Fees,
            Data = spend.Note.AsSpan().ToArray(),
        });
        return true;
    }

    // In force from the next block on; of two in one block the later one counts.
    private void Change(ulong proposal, ConsensusParameters parameters, BlockContext context)
    {
        var row = new ConsensusParametersRow { Parameters = parameters, FromHeight = context.Height + 1 };
        if (_state.ConsensusParameters.TryFind(default, out int slot))
        {
            _state.ConsensusParameters.Write(slot) = row;
        }
        else
        {
            _state.ConsensusParameters.Add(row);
        }

        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.ConsensusParametersChanged,
            Account = -1,
            Counterparty = -1,
            OrderId = proposal,
            Quantity = row.FromHeight,
            Amount = parameters.BlockBytes,
            Amount2 = parameters.EvidenceAgeBlocks,
            Amount3 = parameters.EvidenceAgeSeconds,
            Amount4 = parameters.EvidenceBytes,
        });
    }

    // The row of the treasury, brought into the epoch of the block.
    private ref TreasuryRow Treasury(BlockContext context)
    {
        ref TreasuryRow treasury = ref _state.Treasury.Write(0);
        long epoch = TreasuryRow.EpochOf(context.Time);
        if (treasury.Epoch != epoch)
        {
            treasury.Epoch = epoch;
            treasury.Spent = 0;
            treasury.BaseLimit = treasury.EpochLimit;
            treasury.BaseTimelockSeconds = _state.CouncilOf(CouncilKind.Treasurers).Terms.TimelockSeconds;
        }

        return ref treasury;
    }

    // Votes name members by number and were given under the policy before: for another version they count nothing.
    private void ChangeCouncil(CouncilKind kind, CouncilTerms terms, BlockContext context)
    {
        bool found = _state.Councils.TryFind((uint)kind, out int slot);
        Invariant.Assert(found);
        ref CouncilRow council = ref _state.Councils.Write(slot);
        council = CouncilRow.Of(kind, council.Version + 1, terms);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.CouncilChanged,
            Account = -1,
            Counterparty = -1,
            Reason = (byte)kind,
            OrderId = council.Version,
        });
    }
}
