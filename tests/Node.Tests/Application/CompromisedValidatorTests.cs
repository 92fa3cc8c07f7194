using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>
/// VAULT-9: one validator that was taken over, with a withdrawal waiting for its release. It proposes what it likes;
/// nothing of it moves collateral, and what guardians sign still does. What it reports as a price is bounded elsewhere
/// (LiarTests), what its node tells a guardian too (LyingNodeTests).
/// </summary>
[TestFixture]
public sealed class CompromisedValidatorTests
{
    private const long Amount = 1_000_000;

    private readonly List<string> _directories = [];
    private TestNetwork _network = null!;
    private Release _release = null!;

    [SetUp]
    public void AdmitAWithdrawal()
    {
        _network = new TestNetwork(NewDirectory) { Guardians = ["gina", "greta"] };
        foreach (string name in _network.Guardians)
        {
            _network.Keys[name] = SHA256.HashData(Encoding.ASCII.GetBytes(name));
        }

        _network.Begin(null);
        _network.Step();
        ResponseFinalizeBlock block = _network.Step(_network.Sign("alice", 1, new Operation
        {
            Kind = OperationKind.Withdraw, Amount = Amount, Content = new WithdrawalDestination([.. "iban-1"u8]),
        }));
        Assert.That(block.TxResults.Select(result => result.Code), Is.All.Zero);
        _network.Step();
        V1.Withdrawal row = Row();
        Assert.That(row.State, Is.EqualTo(V1.WithdrawalState.Releasable));
        _release = new Release(1, row.Sequence, (long)row.Expiry, row.CouncilVersion, Amount, [.. "iban-1"u8]);
    }

    [TearDown]
    public void Remove()
    {
        _network.Dispose();
        _directories.ForEach(directory => Directory.Delete(directory, true));
        _directories.Clear();
    }

    [Test]
    public void Blocks_with_forged_signatures_of_guardians_are_rejected_by_everybody()
    {
        ByteString gina = Signed("gina", _release);
        byte[] altered = gina.ToByteArray();
        altered[altered.Length / 3] ^= 1;
        byte[] stolen = gina.ToByteArray();
        stolen[^1] ^= 1;
        Assert.That(Verdict(gina), Is.EqualTo(ProposalStatus.Accept));
        Assert.That(Verdict(ByteString.CopyFrom(altered)), Is.EqualTo(ProposalStatus.Reject), "a field altered");
        Assert.That(Verdict(ByteString.CopyFrom(stolen)), Is.EqualTo(ProposalStatus.Reject), "the signature altered");
        Assert.That(Verdict(gina, gina), Is.EqualTo(ProposalStatus.Reject), "counted twice");
        Assert.That(Verdict(OfAnotherChain("gina")), Is.EqualTo(ProposalStatus.Reject), "signed for another chain");
    }

    [Test]
    public void What_it_signs_itself_is_executed_to_refusals_and_moves_nothing()
    {
        _network.Step(Signed("gina", _release));
        ResponseFinalizeBlock block = _network.Decide(WithAll(
            _network.Sign("bob", 2, Attestation()),
            _network.Sign(
                "bob", 3, new Operation { Kind = OperationKind.VetoWithdrawal, Content = new NumberedTarget(1) }),
            Signed("bob", _release),
            Signed("gina", _release with { Destination = [.. "thief"u8] }, nonce: 2),
            Signed("greta", _release with { Amount = 1 }),
            Signed("greta", _release with { Sequence = 2 }, nonce: 2)));
        Assert.That(
            block.TxResults.Skip(1).Select(result => (ResultCode)result.Code).Order(),
            Is.EqualTo(new[]
            {
                ResultCode.NotCouncilMember, ResultCode.NotCouncilMember, ResultCode.NotCouncilMember,
                ResultCode.ReleaseMismatch, ResultCode.ReleaseMismatch, ResultCode.ReleaseMismatch,
            }));
        Assert.That((Row().State, Row().Signers.Count), Is.EqualTo((V1.WithdrawalState.Releasable, 1)));

        // Leaving out a guardian's signature delays it by its own block alone.
        _network.Decide(WithAll());
        _network.Step(Signed("greta", _release, nonce: 3));
        Assert.That(Row().State, Is.EqualTo(V1.WithdrawalState.Released));
    }

    private static Operation Attestation() => new()
    {
        Kind = OperationKind.AttestDeposit,
        Content = new DepositAttestation(
            new Sha256Digest([1, .. new byte[31]]), new AccountId(default, 0), 1_000_000_000),
    };

    private ByteString Signed(string name, Release release, ulong nonce = 1)
    {
        using var signer = new TransactionSigner(_network.Keys[name], TestNetwork.ChainId);
        return _network.Sign(
            name, nonce, new Operation { Kind = OperationKind.SignRelease, Content = signer.Sign(release) });
    }

    private ByteString OfAnotherChain(string name)
    {
        using var signer = new TransactionSigner(_network.Keys[name], "another-chain");
        return ByteString.CopyFrom(new TransactionBuilder()
            .Add(new Operation { Kind = OperationKind.SignRelease, Content = signer.Sign(_release) })
            .Sign(signer, 1, _network.Height + 50));
    }

    // A proposal with exactly these transactions behind the price update, whatever a sound proposer would do.
    private RequestProcessProposal WithAll(params ByteString[] transactions)
    {
        RequestProcessProposal proposal = _network.Propose();
        proposal.Txs.AddRange(transactions);
        return proposal;
    }

    private ProposalStatus Verdict(params ByteString[] transactions)
    {
        RequestProcessProposal proposal = WithAll(transactions);
        return _network.Validators.Select(validator => validator.Application.ProcessProposal(proposal).Status)
            .Distinct().Single();
    }

    private V1.Withdrawal Row() => V1.WithdrawalsResponse.Parser.ParseFrom(
        _network.Validators[0].Application.Query(new RequestQuery { Path = "/withdrawals" }).Value).Withdrawals[0];

    private string NewDirectory()
    {
        _directories.Add(Directory.CreateTempSubdirectory("compromised-").FullName);
        return _directories[^1];
    }
}
