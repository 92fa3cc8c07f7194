namespace AppChain.StateMachine;

/// <summary>
/// Tags of the fields in transaction.proto: number × 8 + wire type, where type 0 is a varint and type 2 bytes with a
/// length.
/// </summary>
internal static class TransactionTags
{
    private const uint Bytes = 2;

    public const uint Body = (1 << 3) | Bytes;
    public const uint PublicKey = (2 << 3) | Bytes;
    public const uint Signature = (3 << 3) | Bytes;

    public const uint Nonce = 1 << 3;
    public const uint ExpiryHeight = 2 << 3;
    public const uint Subaccount = 3 << 3;
    public const uint AllOrNothing = 4 << 3;
    public const uint Operations = (5 << 3) | Bytes;
    public const uint Owner = (6 << 3) | Bytes;

    public const uint PlaceOrder = ((uint)OperationKind.PlaceOrder << 3) | Bytes;
    public const uint CancelOrder = ((uint)OperationKind.CancelOrder << 3) | Bytes;
    public const uint CancelAll = ((uint)OperationKind.CancelAll << 3) | Bytes;
    public const uint ReplaceOrder = ((uint)OperationKind.ReplaceOrder << 3) | Bytes;
    public const uint Transfer = ((uint)OperationKind.Transfer << 3) | Bytes;
    public const uint Withdraw = ((uint)OperationKind.Withdraw << 3) | Bytes;

    public const uint AuthoriseAgent = ((uint)OperationKind.AuthoriseAgent << 3) | Bytes;
    public const uint RevokeAgent = ((uint)OperationKind.RevokeAgent << 3) | Bytes;
    public const uint CancelWithdrawal = ((uint)OperationKind.CancelWithdrawal << 3) | Bytes;
    public const uint AttestDeposit = ((uint)OperationKind.AttestDeposit << 3) | Bytes;
    public const uint SignRelease = ((uint)OperationKind.SignRelease << 3) | Bytes;
    public const uint VetoWithdrawal = ((uint)OperationKind.VetoWithdrawal << 3) | Bytes;
    public const uint Propose = ((uint)OperationKind.Propose << 3) | Bytes;
    public const uint ApproveProposal = ((uint)OperationKind.ApproveProposal << 3) | Bytes;
    public const uint VetoProposal = ((uint)OperationKind.VetoProposal << 3) | Bytes;
    public const uint CancelProposal = ((uint)OperationKind.CancelProposal << 3) | Bytes;

    public const uint Market = 1 << 3;
    public const uint Side = 2 << 3;
    public const uint Price = 3 << 3;
    public const uint Quantity = 4 << 3;
    public const uint ClientId = 5 << 3;
    public const uint TimeInForce = 6 << 3;
    public const uint SelfTrade = 7 << 3;
    public const uint ReduceOnly = 8 << 3;
    public const uint MarketOrder = 9 << 3;
    public const uint GoodTilHeight = 10 << 3;
    public const uint GoodTilTime = 11 << 3;

    public const uint TargetOrderId = 1 << 3;
    public const uint TargetClientId = 2 << 3;
    public const uint ReplacementOrder = (3 << 3) | Bytes;

    public const uint Recipient = (1 << 3) | Bytes;
    public const uint RecipientSubaccount = 2 << 3;
    public const uint TransferAmount = 3 << 3;
    public const uint WithdrawAmount = 1 << 3;

    public const uint Agent = (1 << 3) | Bytes;
    public const uint AgentMarkets = (2 << 3) | Bytes;
    public const uint AgentNotionalPerDay = 3 << 3;
    public const uint AgentExpires = 4 << 3;
}
