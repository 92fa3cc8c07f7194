using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Abci;
using AppChain.StateMachine;
using AppChain.V1;
using TimelockTier = AppChain.StateMachine.TimelockTier;
using VaultTerms = AppChain.StateMachine.VaultTerms;

namespace AppChain.Node;

/// <summary>Vault, treasury and councils.</summary>
internal sealed partial class QueryAnswers
{
    private const uint DepositsOtherwise = 50;

    private VaultResponse AnswerVault(VaultRequest request)
    {
        VaultTerms terms =
            (model.Vault.Vault ?? throw Missing("this chain has no guardians: its vault is closed")).Terms;
        Address owner = request.Owner.Length > 0 ? AccountOf(request.Owner).Owner : default;
        FlowRow flow = model.Vault.Flows.GetValueOrDefault(owner);
        var answer = new VaultResponse
        {
            OwnerCap = Text(terms.OwnerCap),
            TotalCap = Text(terms.TotalCap),
            ReleaseExpirySeconds = (ulong)terms.ReleaseExpirySeconds,
            Waiting = Text(flow.Waiting),
            Admitted = Text(flow.Admitted),
            Net = Text(flow.NetAt(model.Time)),
            Open = (ulong)flow.Open,
        };
        foreach (TimelockTier tier in terms.Tiers)
        {
            answer.Tiers.Add(new TimelockStep { AmountFrom = Text(tier.AmountFrom), Seconds = (ulong)tier.Seconds });
        }

        return answer;
    }

    private CouncilResponse AnswerCouncil(CouncilRequest request)
    {
        if (!model.Vault.Councils.TryGetValue((uint)KindOf(request.Council), out CouncilRow row))
        {
            throw Missing($"this chain has no {request.Council}");
        }

        var answer = new CouncilResponse
        {
            Council = request.Council,
            Version = row.Version,
            Threshold = (uint)row.Terms.Threshold,
            VetoThreshold = (uint)row.Terms.VetoThreshold,
            TimelockSeconds = (ulong)row.Terms.TimelockSeconds,
        };
        foreach (ImmutableArray<byte> key in row.Terms.Members)
        {
            answer.Members.Add(new CouncilMember
            {
                Address = AccountText.Of(TransactionCodec.AddressOf(key.AsSpan())),
                PublicKey = Hex(key.AsSpan()),
            });
        }

        return answer;
    }

    private ProposalsResponse AnswerProposals(ProposalsRequest request)
    {
        var answer = new ProposalsResponse();
        CouncilKind? wanted = request.Council == Council.Unspecified ? null : KindOf(request.Council);
        foreach (ProposalRow row in model.Vault.Proposals.Values)
        {
            if (wanted is not null && wanted != row.Council)
            {
                continue;
            }

            var proposal = new CouncilProposal
            {
                ProposalId = row.Id,
                Council = (Council)row.Council,
                CouncilVersion = row.CouncilVersion,
                State = (V1.ProposalState)row.State,
                Proposer = row.Proposer,
                CreatedTime = (ulong)row.CreatedTime,
                ReadyTime = (ulong)row.ReadyTime,
                DueTime = (ulong)row.DueTime,
                Content = Proposal.Parser.Read(row.Payload.AsSpan()),
            };
            proposal.Approvals.AddRange(Members(row.Approvals));
            proposal.Vetoes.AddRange(Members(row.Vetoes));
            answer.Proposals.Add(proposal);
        }

        return answer;
    }

    // Any number arrives as a council: protobuf keeps the values of an enum that it does not know.
    private static CouncilKind KindOf(Council council) => council switch
    {
        Council.Guardians => CouncilKind.Guardians,
        Council.Treasurers => CouncilKind.Treasurers,
        _ => throw new QueryRefused(QueryCode.Malformed, "name a council: guardians or treasurers"),
    };

    private TreasuryResponse AnswerTreasury(TreasuryRequest _)
    {
        TreasuryRow row = model.Vault.Treasury ?? throw Missing("this chain has no treasurers: fees are never spent");
        return new TreasuryResponse
        {
            Balance = Text(model.Pool.Fees),
            EpochLimit = Text(row.EpochLimit),
            Spent = Text(row.SpentAt(model.Time)),
        };
    }

    private ConsensusResponse AnswerConsensus(ConsensusRequest _)
    {
        ConsensusParametersRow row = model.Vault.ConsensusParameters
            ?? throw Missing(
                "the engine did not tell its parameters, and the chain never changed them: ask its RPC, "
                + "/consensus_params");
        return new ConsensusResponse
        {
            BlockBytes = (ulong)row.Parameters.BlockBytes,
            EvidenceAgeBlocks = (ulong)row.Parameters.EvidenceAgeBlocks,
            EvidenceAgeSeconds = (ulong)row.Parameters.EvidenceAgeSeconds,
            EvidenceBytes = (ulong)row.Parameters.EvidenceBytes,
            FromHeight = (ulong)row.FromHeight,
        };
    }

    // Sets that voted before are kept to verify votes with, and are nobody's business here.
    private ValidatorsResponse AnswerValidators(ValidatorsRequest _)
    {
        var answer = new ValidatorsResponse();
        foreach (ValidatorSetRow row in model.Vault.ValidatorSets.Values)
        {
            if (row.FromHeight <= model.Height + 1)
            {
                answer.Sets.Clear();
            }

            answer.Sets.Add(new ValidatorSet
            {
                FromHeight = (ulong)row.FromHeight,
                Validators =
                {
                    row.Validators.Select(static validator => new ValidatorInfo
                    {
                        Address = Convert.ToHexString(validator.Address.ToArray()),
                        PublicKey = Convert.ToBase64String(validator.PublicKey.AsSpan()),
                        Power = (ulong)validator.Power,
                    }),
                },
            });
        }

        return answer;
    }

    private WithdrawalsResponse AnswerWithdrawals(WithdrawalsRequest request)
    {
        Address? owner = request.Owner.Length > 0 ? AccountOf(request.Owner).Owner : null;
        if (request.WithdrawalId != 0 && !model.Vault.Withdrawals.ContainsKey(request.WithdrawalId))
        {
            throw Missing($"there is no withdrawal {request.WithdrawalId}, or no more");
        }

        // Those that are not over come before those that are, of which the newest do.
        var answer = new WithdrawalsResponse();
        IEnumerable<ulong> numbers = request.WithdrawalId != 0
            ? [request.WithdrawalId]
            : model.Vault.Leaving.Concat(model.Vault.Released.Reverse());
        // BOUND: RowsMax rows, whatever withdrawals there are.
        IEnumerable<WithdrawalRow> wanted = numbers
            .Select(number => model.Vault.Withdrawals[number])
            .Where(row => owner is null || model.AccountOf(row.Account).Owner == owner)
            .Take((int)RowsMax);
        foreach (WithdrawalRow row in wanted.OrderBy(static row => row.Id))
        {
            answer.Withdrawals.Add(Withdrawal(row));
        }

        return answer;
    }

    private Withdrawal Withdrawal(in WithdrawalRow row)
    {
        var withdrawal = new Withdrawal
        {
            WithdrawalId = row.Id,
            Account = Name(row.Account),
            Amount = Text(row.Amount),
            Destination = Hex(row.Destination.AsSpan()),
            State = (V1.WithdrawalState)row.State,
            RequestedTime = (ulong)row.RequestedTime,
            ReadyTime = (ulong)row.ReadyTime,
            DueTime = (ulong)row.DueTime,
            Sequence = row.Sequence,
            Expiry = (ulong)row.Expiry,
            CouncilVersion = row.CouncilVersion,
        };
        withdrawal.Vetoes.AddRange(Members(row.Vetoes));
        withdrawal.Signers.AddRange(Members(row.Signers));
        return withdrawal;
    }

    private DepositsResponse AnswerDeposits(DepositsRequest request)
    {
        byte[]? wanted = null;
        if (request.DepositId.Length > 0)
        {
            wanted = new byte[Sha256Digest.Size];
            bool isId = request.DepositId.Length == 2 * wanted.Length
                && Convert.FromHexString(
                    request.DepositId, wanted, out _, out _) == System.Buffers.OperationStatus.Done;
            wanted = isId ? wanted : throw new QueryRefused(QueryCode.Malformed, "a deposit id is 64 digits of hex");
        }

        var answer = new DepositsResponse();
        foreach (PendingDepositRow row in model.Vault.Pending.Values)
        {
            if (wanted is null || row.Id.DepositId.Equals(new Sha256Digest(wanted)))
            {
                Add(answer, row.Id.DepositId, row.Recipient, row.Amount, row.Attestations, 0, row.DueTime);
            }
        }

        int limit = Limit(request.Limit, DepositsOtherwise);
        foreach ((_, Sha256Digest id) in model.Vault.CreditedByHeight.Reverse().Take(wanted is null ? limit : 0))
        {
            AddCredited(answer, model.Vault.Credited[id]);
        }

        if (wanted is not null
            && model.Vault.Credited.TryGetValue(new Sha256Digest(wanted), out CreditedDepositRow credited))
        {
            AddCredited(answer, credited);
        }

        return answer;
    }

    private static void AddCredited(DepositsResponse answer, in CreditedDepositRow row) =>
        Add(answer, row.DepositId, row.Recipient, row.Amount, row.Attestations, row.Height, 0);

    private static void Add(
        DepositsResponse answer, Sha256Digest id, AccountId account, long amount, ushort votes, long height,
        long expires)
    {
        var deposit = new Deposit
        {
            DepositId = Hex(id.ToArray()),
            Account = AccountText.Of(account),
            Amount = Text(amount),
            IsCredited = height != 0,
            Height = (ulong)height,
            Expires = (ulong)expires,
        };
        deposit.Attestations.AddRange(Members(votes));
        answer.Deposits.Add(deposit);
    }

    private ReleaseResponse AnswerRelease(ReleaseRequest request)
    {
        if (!model.Vault.Withdrawals.TryGetValue(request.WithdrawalId, out WithdrawalRow row)
            || row.State != StateMachine.WithdrawalState.Released)
        {
            throw Missing($"withdrawal {request.WithdrawalId} is not released, or was longer than 30 days ago");
        }

        var answer = new ReleaseResponse
        {
            ChainId = model.Chain.ChainId,
            WithdrawalId = row.Id,
            Sequence = row.Sequence,
            Expiry = (ulong)row.Expiry,
            CouncilVersion = row.CouncilVersion,
            Amount = Text(row.Amount),
            Destination = Hex(row.Destination.AsSpan()),
        };
        for (int i = 0; i < row.Signatures.Length; i += WithdrawalRow.SignedSize)
        {
            ReadOnlySpan<byte> signed = row.Signatures.AsSpan().Slice(i, WithdrawalRow.SignedSize);
            answer.Signatures.Add(new GuardianSignature
            {
                PublicKey = Hex(signed[..SigningKey.PublicKeySize]),
                Signature = Hex(signed[SigningKey.PublicKeySize..]),
            });
        }

        return answer;
    }

    private static IEnumerable<uint> Members(ushort votes)
    {
        for (int i = 0; i < StateMachine.CouncilTerms.MembersMax; i++)
        {
            if ((votes >> i & 1) != 0)
            {
                yield return (uint)i;
            }
        }
    }

    private static QueryRefused Missing(string why) => new(QueryCode.NotFound, why);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
