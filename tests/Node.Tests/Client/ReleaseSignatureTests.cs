using System;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>
/// VAULT-9, VAULT-11: signatures and keys inside of transactions, of which the state machine knows nothing.
/// </summary>
[TestFixture]
public sealed class ReleaseSignatureTests
{
    private static readonly Release s_release = new(1, 2, 3_000_000_000, 4, 5_000_000, [.. "bank"u8]);

    private static ResultCode Verify(TransactionSigner signer, IOperationContent content, string chainId = "c-1")
    {
        OperationKind kind = content is ReleaseSignature ? OperationKind.SignRelease : OperationKind.Propose;
        byte[] bytes = new TransactionBuilder().Add(new Operation { Kind = kind, Content = content })
            .Sign(signer, 1, 100);
        return new TransactionVerifier(chainId).Decode(bytes, out _);
    }

    [Test]
    public void Its_own_chain_key_and_fields_verify()
    {
        using var guardian = new TransactionSigner(KeyFile.NewSecretKey(), "c-1");
        Assert.That(Verify(guardian, guardian.Sign(s_release)), Is.EqualTo(ResultCode.Ok));
    }

    [Test]
    public void The_message_is_laid_out_as_the_specification_says()
    {
        byte[] preimage =
        [
            .. "appchain/v1/release\0"u8, 3, .. "c-1"u8,
            0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0xB2, 0xD0, 0x5E, 0,
            0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0x4C, 0x4B, 0x40, 4, .. "bank"u8,
        ];
        Span<byte> digest = stackalloc byte[TransactionCodec.DigestSize];
        ReleaseMessage.ComputeDigest("c-1", s_release, digest);
        Assert.That(digest.ToArray(), Is.EqualTo(System.Security.Cryptography.SHA256.HashData(preimage)));
    }

    [Test]
    public void Every_altered_field_is_refused()
    {
        using var guardian = new TransactionSigner(KeyFile.NewSecretKey(), "c-1");
        ReleaseSignature signed = guardian.Sign(s_release);
        Release[] altered =
        [
            s_release with { Id = 2 },
            s_release with { Sequence = 3 },
            s_release with { Expiry = 3_000_000_001 },
            s_release with { CouncilVersion = 5 },
            s_release with { Amount = 5_000_001 },
            s_release with { Destination = [.. "bang"u8] },
            s_release with { Destination = [.. "bank "u8] },
        ];
        foreach (Release release in altered)
        {
            Assert.That(
                Verify(guardian, signed with { Release = release }), Is.EqualTo(ResultCode.InvalidReleaseSignature));
        }

        byte[] signature = [.. signed.Signature];
        signature[5] ^= 1;
        Assert.That(
            Verify(guardian, signed with { Signature = [.. signature] }),
            Is.EqualTo(ResultCode.InvalidReleaseSignature));
    }

    [Test]
    public void A_signature_for_another_chain_or_by_another_guardian_is_refused()
    {
        byte[] key = KeyFile.NewSecretKey();
        using var here = new TransactionSigner(key, "c-1");
        using var there = new TransactionSigner(key, "c-2");
        using var other = new TransactionSigner(KeyFile.NewSecretKey(), "c-1");
        Assert.That(
            Verify(here, there.Sign(s_release)), Is.EqualTo(ResultCode.InvalidReleaseSignature), "replayed here");
        Assert.That(
            Verify(here, here.Sign(s_release), "c-2"), Is.EqualTo(ResultCode.InvalidSignature), "replayed there");
        Assert.That(Verify(here, other.Sign(s_release)), Is.EqualTo(ResultCode.InvalidReleaseSignature), "lent");
    }

    [Test]
    public void A_member_that_is_no_point_of_the_curve_is_refused()
    {
        using var guardian = new TransactionSigner(KeyFile.NewSecretKey(), "c-1");
        ImmutableArray<byte> noPoint = [2, .. Enumerable.Repeat((byte)0xFF, 32)];
        var council = new CouncilTerms([[.. guardian.PublicKey], noPoint], 1, 1, 0);
        var terms = new VaultTerms([new TimelockTier(0, 0)], 1, 1, 60);
        Assert.That(Verify(guardian, new VaultPolicy(council, terms)), Is.EqualTo(ResultCode.InvalidPublicKey));
        Assert.That(Verify(guardian, new TreasuryPolicy(council, 5)), Is.EqualTo(ResultCode.InvalidPublicKey));
        council = council with { Members = [[.. guardian.PublicKey]] };
        Assert.That(Verify(guardian, new VaultPolicy(council, terms)), Is.EqualTo(ResultCode.Ok));
    }

    // One validator that was taken over can propose what it likes: the others look themselves.
    [Test]
    public void A_proposer_who_forges_a_release_is_refused()
    {
        string home = Directory.CreateTempSubdirectory("appchain-test-").FullName;
        try
        {
            int count = 0;
            using var network = new TestNetwork(
                () => Directory.CreateDirectory(Path.Combine(home, $"{count++}")).FullName);
            network.Step();
            network.Step();
            using var guardian = new TransactionSigner(network.Keys["alice"], TestNetwork.ChainId);
            using var thief = new TransactionSigner(network.Keys["bob"], TestNetwork.ChainId);
            ByteString Signed(ReleaseSignature content) => network.Sign(
                "alice", 1, new Operation { Kind = OperationKind.SignRelease, Content = content });

            // The proposer's own application would leave the forgery out; one that was taken over puts it in.
            ProposalStatus Judge(ByteString transaction)
            {
                var proposal = network.Propose();
                proposal.Txs.Add(transaction);
                return network.Validators[0].Application.ProcessProposal(proposal).Status;
            }

            Assert.That(Judge(Signed(guardian.Sign(s_release))), Is.EqualTo(ProposalStatus.Accept));
            Assert.That(Judge(Signed(thief.Sign(s_release))), Is.EqualTo(ProposalStatus.Reject));
        }
        finally
        {
            Directory.Delete(home, true);
        }
    }
}
