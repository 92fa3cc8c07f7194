namespace AppChain.StateMachine;

/// <summary>
/// Custody, treasury and the councils that decide on them (docs/spec/vault.md): which operation goes where, and what
/// happens in a block without one.
/// </summary>
internal sealed class Vault
{
    private readonly Councils _councils;
    private readonly Deposits _deposits;
    private readonly Withdrawals _withdrawals;
    private readonly Releases _releases;

    /// <summary>The vault of a state.</summary>
    public Vault(State state)
    {
        var flows = new Flows(state);
        _councils = new Councils(state);
        _deposits = new Deposits(state, flows);
        _withdrawals = new Withdrawals(state, flows);
        _releases = new Releases(state, flows);
    }

    /// <summary>Executes an operation that guardians or treasurers sign.</summary>
    public ResultCode Execute(Address signer, in Operation operation, BlockContext context) => operation.Kind switch
    {
        OperationKind.AttestDeposit when operation.Content is DepositAttestation attestation =>
            _deposits.Attest(signer, attestation, context),
        OperationKind.SignRelease when operation.Content is ReleaseSignature signature =>
            _releases.Sign(signer, signature, context),
        OperationKind.VetoWithdrawal when operation.Content is NumberedTarget target =>
            _withdrawals.Veto(signer, target.Id, context),
        OperationKind.Propose => _councils.Propose(signer, operation.Content, context),
        OperationKind.ApproveProposal when operation.Content is NumberedTarget target =>
            _councils.Approve(signer, target.Id, context),
        OperationKind.VetoProposal when operation.Content is NumberedTarget target =>
            _councils.Veto(signer, target.Id, context),
        OperationKind.CancelProposal when operation.Content is NumberedTarget target =>
            _councils.Cancel(signer, target.Id, context),
        _ => ResultCode.Malformed,
    };

    /// <summary>Queues an amount that has left the collateral of an account.</summary>
    public ResultCode Withdraw(int account, in Operation operation, BlockContext context) =>
        _withdrawals.Request(account, operation.Amount, operation.Content as WithdrawalDestination, context);

    /// <summary>The owner takes back a withdrawal.</summary>
    public ResultCode CancelWithdrawal(int account, in Operation operation, BlockContext context) =>
        operation.Content is NumberedTarget target
            ? _withdrawals.Cancel(account, target.Id, context)
            : ResultCode.Malformed;

    /// <summary>Step 6 of a block: proposals that are due, deposits that nobody attested further.</summary>
    public void Trigger(BlockContext context)
    {
        _councils.Step(context);
        _deposits.Step(context);
    }

    /// <summary>After the last liquidations of a block: withdrawals that are due.</summary>
    public void Admit(BlockContext context) => _withdrawals.Step(context);
}
