using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The committed rows of vault, treasury, councils and what these decide on. Part of <see cref="ReadModel"/>, under its
/// gate.
/// </summary>
internal sealed class VaultModel
{
    /// <summary>Councils by the number of their kind.</summary>
    public SortedDictionary<uint, CouncilRow> Councils { get; } = [];

    /// <summary>Proposals by number.</summary>
    public SortedDictionary<ulong, ProposalRow> Proposals { get; } = [];

    /// <summary>Withdrawals by number.</summary>
    public SortedDictionary<ulong, WithdrawalRow> Withdrawals { get; } = [];

    /// <summary>Numbers of those that were released.</summary>
    public SortedSet<ulong> Released { get; } = [];

    /// <summary>Numbers of those that are not over.</summary>
    public SortedSet<ulong> Leaving { get; } = [];

    /// <summary>Deposits that need more attestations.</summary>
    public SortedDictionary<DepositKey, PendingDepositRow> Pending { get; } = [];

    /// <summary>Deposits that were credited, by id.</summary>
    public Dictionary<Sha256Digest, CreditedDepositRow> Credited { get; } = [];

    /// <summary>The same by the height at which they were credited, and within a height by id.</summary>
    public SortedSet<(long Height, Sha256Digest Id)> CreditedByHeight { get; } = [];

    /// <summary>Outflows by owner; the zero address stands for all.</summary>
    public Dictionary<Address, FlowRow> Flows { get; } = [];

    /// <summary>Null: the vault is closed.</summary>
    public VaultRow? Vault { get; private set; }

    /// <summary>Null: there are no treasurers.</summary>
    public TreasuryRow? Treasury { get; private set; }

    /// <summary>Null: the chain began without telling them and never changed them.</summary>
    public ConsensusParametersRow? ConsensusParameters { get; private set; }

    /// <summary>Validator sets by the first height that they vote at.</summary>
    public SortedDictionary<long, ValidatorSetRow> ValidatorSets { get; } = [];

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Councils.Clear();
        Proposals.Clear();
        Withdrawals.Clear();
        Released.Clear();
        Leaving.Clear();
        Pending.Clear();
        Credited.Clear();
        CreditedByHeight.Clear();
        Flows.Clear();
        ValidatorSets.Clear();
        Vault = null;
        Treasury = null;
        ConsensusParameters = null;
    }

    /// <summary>Takes in a changed row; those of other kinds change nothing.</summary>
    public void Apply(RowKind kind, ref ByteReader key, ref ByteReader value, bool gone)
    {
        switch (kind)
        {
            case RowKind.Council:
                Councils.Put(ref key, ref value);
                break;
            case RowKind.Vault:
                Vault = VaultRow.Decode(ref key, ref value);
                break;
            case RowKind.Treasury:
                Treasury = TreasuryRow.Decode(ref key, ref value);
                break;
            case RowKind.ConsensusParameters:
                ConsensusParameters = ConsensusParametersRow.Decode(ref key, ref value);
                break;
            case RowKind.ValidatorSet when gone:
                ValidatorSets.Remove(key.ReadInt64());
                break;
            case RowKind.ValidatorSet:
                ValidatorSets.Put(ref key, ref value);
                break;
            case RowKind.Flow:
                Flows.Put(ref key, ref value);
                break;
            case RowKind.Proposal when gone:
                Proposals.Remove(key.ReadUInt64());
                break;
            case RowKind.Proposal:
                Proposals.Put(ref key, ref value);
                break;
            case RowKind.Withdrawal when gone:
                ulong number = key.ReadUInt64();
                Withdrawals.Remove(number);
                Released.Remove(number);
                Leaving.Remove(number);
                break;
            case RowKind.Withdrawal:
                WithdrawalRow withdrawal = Withdrawals.Put(ref key, ref value);
                bool isReleased = withdrawal.State == WithdrawalState.Released;
                (isReleased ? Released : Leaving).Add(withdrawal.Id);
                (isReleased ? Leaving : Released).Remove(withdrawal.Id);
                break;
            case RowKind.PendingDeposit when gone:
                Pending.Remove(new DepositKey(key.ReadDigest(), key.ReadDigest()));
                break;
            case RowKind.PendingDeposit:
                Pending.Put(ref key, ref value);
                break;
            case RowKind.CreditedDeposit:
                CreditedDepositRow credited = CreditedDepositRow.Decode(ref key, ref value);
                if (Credited.TryAdd(credited.DepositId, credited))
                {
                    CreditedByHeight.Add((credited.Height, credited.DepositId));
                }

                break;
            default:
                break;
        }
    }
}
