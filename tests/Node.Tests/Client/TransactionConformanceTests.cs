using System;
using System.Collections.Immutable;
using System.Linq;
using System.Reflection;
using AppChain.StateMachine;
using AppChain.StateMachine.Tests.Transactions;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using NUnit.Framework;

namespace AppChain.Node.Tests.Client;

/// <summary>The hand-written codec and the classes generated from transaction.proto agree to the last byte.</summary>
[TestFixture]
public sealed class TransactionConformanceTests
{
    [Test]
    public void TX_2_Generated_class_reads_our_bytes_and_writes_them_again([Range(0, 9)] int seed)
    {
        var transactions = new RandomTransactions(seed);
        for (int i = 0; i < 100; i++)
        {
            Transaction transaction = transactions.Next();
            byte[] ours = TransactionCodec.EncodeBody(transaction);
            V1.TransactionBody theirs = V1.TransactionBody.Parser.ParseFrom(ours);
            Assert.That(theirs.ToByteArray(), Is.EqualTo(ours));
            Assert.That(theirs, Is.EqualTo(ToGenerated(transaction)));
        }
    }

    [Test]
    public void TX_2_Envelopes_agree()
    {
        byte[] ours = TransactionCodec.Join([1, 2, 3], new byte[33], new byte[64]);
        var theirs = new V1.SignedTransaction
        {
            Body = ByteString.CopyFrom(1, 2, 3),
            PublicKey = ByteString.CopyFrom(new byte[33]),
            Signature = ByteString.CopyFrom(new byte[64]),
        };
        Assert.That(theirs.ToByteArray(), Is.EqualTo(ours));
    }

    [Test]
    public void Numbers_of_operation_kinds_are_the_field_numbers()
    {
        OneofDescriptor kinds = V1.Operation.Descriptor.Oneofs.Single();
        Assert.That(
            kinds.Fields.Select(field => (field.FieldNumber, field.PropertyName)),
            Is.EqualTo(Enum.GetValues<OperationKind>().Skip(1).Select(kind => ((int)kind, kind.ToString()))));
    }

    [TestCase(typeof(V1.Side), typeof(Side))]
    [TestCase(typeof(V1.TimeInForce), typeof(TimeInForce))]
    [TestCase(typeof(V1.SelfTrade), typeof(SelfTrade))]
    [TestCase(typeof(V1.CloseReason), typeof(CloseReason))]
    [TestCase(typeof(V1.OracleState), typeof(OracleState))]
    [TestCase(typeof(V1.Council), typeof(CouncilKind))]
    [TestCase(typeof(V1.ProposalState), typeof(ProposalState))]
    [TestCase(typeof(V1.WithdrawalState), typeof(WithdrawalState))]
    public void Enums_on_the_wire_have_the_numbers_of_the_state_machine(Type wire, Type core)
    {
        int[] wireNumbers = [.. wire.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (int)field.GetRawConstantValue()!)];
        int[] coreNumbers = [.. Enum.GetValues(core).Cast<object>().Select(Convert.ToInt32)];
        Assert.That(wireNumbers, Is.EqualTo(coreNumbers));
        Assert.That(Enum.GetNames(wire).Skip(1), Is.EqualTo(Enum.GetNames(core).Skip(1)));
    }

    private static V1.TransactionBody ToGenerated(Transaction transaction)
    {
        var body = new V1.TransactionBody
        {
            Nonce = transaction.Nonce,
            ExpiryHeight = (ulong)transaction.ExpiryHeight,
            Subaccount = transaction.Subaccount,
            AllOrNothing = transaction.AllOrNothing,
        };
        if (transaction.Principal is { } owner)
        {
            body.Owner = ByteString.CopyFrom(owner.ToArray());
        }

        foreach (Operation operation in transaction.Operations)
        {
            body.Operations.Add(ToGenerated(operation));
        }

        return body;
    }

    private static V1.Operation ToGenerated(Operation operation) => operation.Kind switch
    {
        OperationKind.PlaceOrder => new V1.Operation { PlaceOrder = ToOrder(operation) },
        OperationKind.CancelOrder => new V1.Operation
        {
            CancelOrder = new() { OrderId = operation.TargetOrderId, ClientId = operation.TargetClientId },
        },
        OperationKind.CancelAll => new V1.Operation { CancelAll = new() { Market = operation.Market } },
        OperationKind.ReplaceOrder => new V1.Operation
        {
            ReplaceOrder = new()
            {
                OrderId = operation.TargetOrderId,
                ClientId = operation.TargetClientId,
                Order = ToOrder(operation),
            },
        },
        OperationKind.Transfer => new V1.Operation
        {
            Transfer = new()
            {
                Recipient = ByteString.CopyFrom(operation.Recipient.Owner.ToArray()),
                RecipientSubaccount = operation.Recipient.Subaccount,
                Amount = (ulong)operation.Amount,
            },
        },
        OperationKind.Withdraw => new V1.Operation
        {
            Withdraw = new()
            {
                Amount = (ulong)operation.Amount,
                Destination = ToBytes((operation.Content as WithdrawalDestination)?.Destination ?? []),
            },
        },
        OperationKind.AuthoriseAgent =>
            new V1.Operation { AuthoriseAgent = ToAgent((AgentAuthorisation)operation.Content!) },
        OperationKind.RevokeAgent => new V1.Operation
        {
            RevokeAgent = new() { Agent = ByteString.CopyFrom(((AgentRevocation)operation.Content!).Agent.ToArray()) },
        },
        OperationKind.CancelWithdrawal =>
            new V1.Operation { CancelWithdrawal = new() { WithdrawalId = IdOf(operation) } },
        OperationKind.AttestDeposit =>
            new V1.Operation { AttestDeposit = ToAttestation((DepositAttestation)operation.Content!) },
        OperationKind.SignRelease => new V1.Operation { SignRelease = ToRelease((ReleaseSignature)operation.Content!) },
        OperationKind.VetoWithdrawal => new V1.Operation { VetoWithdrawal = new() { WithdrawalId = IdOf(operation) } },
        OperationKind.Propose => new V1.Operation { Propose = ToProposal(operation.Content!) },
        OperationKind.ApproveProposal => new V1.Operation { ApproveProposal = new() { ProposalId = IdOf(operation) } },
        OperationKind.VetoProposal => new V1.Operation { VetoProposal = new() { ProposalId = IdOf(operation) } },
        OperationKind.CancelProposal => new V1.Operation { CancelProposal = new() { ProposalId = IdOf(operation) } },
        OperationKind.None => new V1.Operation(),
    };

    private static ulong IdOf(Operation operation) => ((NumberedTarget)operation.Content!).Id;

    private static ByteString ToBytes(ImmutableArray<byte> bytes) => ByteString.CopyFrom(bytes.AsSpan());

    private static V1.AttestDeposit ToAttestation(DepositAttestation content) => new()
    {
        DepositId = ByteString.CopyFrom(content.DepositId.ToArray()),
        Recipient = ByteString.CopyFrom(content.Recipient.Owner.ToArray()),
        RecipientSubaccount = content.Recipient.Subaccount,
        Amount = (ulong)content.Amount,
    };

    private static V1.SignRelease ToRelease(ReleaseSignature content) => new()
    {
        WithdrawalId = content.Release.Id,
        Sequence = content.Release.Sequence,
        Expiry = (ulong)content.Release.Expiry,
        CouncilVersion = content.Release.CouncilVersion,
        Amount = (ulong)content.Release.Amount,
        Destination = ToBytes(content.Release.Destination),
        Signature = ToBytes(content.Signature),
    };

    private static V1.Proposal ToProposal(IOperationContent content) => content switch
    {
        VaultPolicy policy => new V1.Proposal
        {
            VaultPolicy = new() { Council = ToCouncil(policy.Council), Terms = ToTerms(policy.Terms) },
        },
        TreasuryPolicy policy => new V1.Proposal
        {
            TreasuryPolicy = new() { Council = ToCouncil(policy.Council), EpochLimit = (ulong)policy.EpochLimit },
        },
        ConsensusParameters parameters => new V1.Proposal
        {
            ConsensusParameters = new()
            {
                BlockBytes = (ulong)parameters.BlockBytes,
                EvidenceAgeBlocks = (ulong)parameters.EvidenceAgeBlocks,
                EvidenceAgeSeconds = (uint)parameters.EvidenceAgeSeconds,
                EvidenceBytes = (ulong)parameters.EvidenceBytes,
            },
        },
        ValidatorPowers powers => new V1.Proposal
        {
            ValidatorPowers = new()
            {
                Changes =
                {
                    powers.Changes.Select(change => new V1.PowerChange
                    {
                        PublicKey = ToBytes(change.PublicKey),
                        Power = (ulong)change.Power,
                        PowerBefore = (ulong)change.PowerBefore,
                    }),
                },
            },
        },
        TreasurySpend spend => new V1.Proposal
        {
            TreasurySpend = new()
            {
                Recipient = spend.Recipient is { } to ? ByteString.CopyFrom(to.Owner.ToArray()) : ByteString.Empty,
                RecipientSubaccount = spend.Recipient?.Subaccount ?? 0,
                Amount = (ulong)spend.Amount,
                Note = ToBytes(spend.Note),
            },
        },
        _ => throw new NotSupportedException($"{content}"),
    };

    private static V1.CouncilTerms ToCouncil(CouncilTerms council) => new()
    {
        Members = { council.Members.Select(ToBytes) },
        Threshold = (uint)council.Threshold,
        VetoThreshold = (uint)council.VetoThreshold,
        TimelockSeconds = (uint)council.TimelockSeconds,
    };

    private static V1.VaultTerms ToTerms(VaultTerms terms) => new()
    {
        Tiers =
        {
            terms.Tiers.Select(
                tier => new V1.TimelockTier { AmountFrom = (ulong)tier.AmountFrom, Seconds = (uint)tier.Seconds }),
        },
        OwnerCap = (ulong)terms.OwnerCap,
        TotalCap = (ulong)terms.TotalCap,
        ReleaseExpirySeconds = (uint)terms.ReleaseExpirySeconds,
    };

    private static V1.AuthoriseAgent ToAgent(AgentAuthorisation content) => new()
    {
        Agent = ByteString.CopyFrom(content.Agent.ToArray()),
        Markets = { content.Markets },
        NotionalPerDay = (ulong)content.NotionalPerDay,
        Expires = (ulong)content.Expires,
    };

    private static V1.PlaceOrder ToOrder(Operation operation) => new()
    {
        Market = operation.Market,
        Side = (V1.Side)operation.Side,
        Price = (ulong)operation.Price,
        Quantity = (ulong)operation.Quantity,
        ClientId = operation.ClientId,
        TimeInForce = (V1.TimeInForce)operation.TimeInForce,
        SelfTrade = (V1.SelfTrade)operation.SelfTrade,
        ReduceOnly = operation.ReduceOnly,
        MarketOrder = operation.IsMarket,
        GoodTilHeight = (ulong)operation.GoodTilHeight,
        GoodTilTime = (ulong)operation.GoodTilTime,
    };
}
