using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Privval;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>Bytes of the signer protocol, from CometBFT's own tests; without the length in front.</summary>
internal sealed class PrivvalMessageTests
{
    private const string VoteHex = "0a7f080210031802224a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe56"
        + "52f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a2a06"
        + "08f49a8ded0532146af1f4111082efb388211bc72c55bcd61e9ac3d538d5bb034a09657874656e73696f6e";

    private const string ProposalHex = "0a6e08011003180220022a4a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f61"
        + "4e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52"
        + "207a320608f49a8ded053a10697427732061207369676e6174757265";

    private const string ErrorHex = "100801120c697427732061206572726f72";

    private static IEnumerable<TestCaseData> Messages()
    {
        RemoteSignerError error = new() { Code = 1, Description = "it's a error" };
        byte[] key = Convert.FromHexString("556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230");
        yield return Case(new Message { PingRequest = new PingRequest() }, "3a00");
        yield return Case(new Message { PingResponse = new PingResponse() }, "4200");
        yield return Case(new Message { PubKeyRequest = new PubKeyRequest() }, "0a00");
        yield return Case(new Message
        {
            PubKeyResponse = new PubKeyResponse { PubKey = new PublicKey { Ed25519 = ByteString.CopyFrom(key) } },
        }, "12240a220a20556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230");
        yield return Case(new Message
        {
            PubKeyResponse = new PubKeyResponse { PubKey = new PublicKey(), Error = error },
        }, "12140a0012" + ErrorHex);
        yield return Case(new Message { SignVoteRequest = new SignVoteRequest { Vote = Vote() } }, "1a8101" + VoteHex);
        yield return Case(new Message { SignedVoteResponse = new SignedVoteResponse { Vote = Vote() } },
            "228101" + VoteHex);
        yield return Case(new Message
        {
            SignedVoteResponse = new SignedVoteResponse { Vote = WireForm.Completed(new Vote()), Error = error },
        }, "22250a11220212002a0b088092b8c398feffffff0112" + ErrorHex);
        yield return Case(new Message { SignProposalRequest = new SignProposalRequest { Proposal = Proposal() } },
            "2a70" + ProposalHex);
        yield return Case(new Message { SignedProposalResponse = new SignedProposalResponse { Proposal = Proposal() } },
            "3270" + ProposalHex);
        yield return Case(new Message
        {
            SignedProposalResponse = new SignedProposalResponse
            {
                Proposal = WireForm.Completed(new Proposal()),
                Error = error,
            },
        }, "32250a112a021200320b088092b8c398feffffff0112" + ErrorHex);
    }

    [TestCaseSource(nameof(Messages))]
    public void Message_has_its_golden_bytes(Message message, string expected)
    {
        Assert.That(Convert.ToHexStringLower(message.ToByteArray()), Is.EqualTo(expected));
        Assert.That(Message.Parser.ParseFrom(Convert.FromHexString(expected)), Is.EqualTo(message));
    }

    private static Vote Vote() => new()
    {
        Type = SignedMsgType.Precommit,
        Height = 3,
        Round = 2,
        BlockId = Id(),
        Timestamp = WireTime.Parse("2019-10-13T16:14:44Z"),
        ValidatorAddress = ByteString.CopyFrom(Sha256("validator_address").Span[..20]),
        ValidatorIndex = 56789,
        Extension = ByteString.CopyFromUtf8("extension"),
    };

    private static Proposal Proposal() => new()
    {
        Type = SignedMsgType.Prevote,
        Height = 3,
        Round = 2,
        PolRound = 2,
        BlockId = Id(),
        Timestamp = WireTime.Parse("2019-10-13T16:14:44Z"),
        Signature = ByteString.CopyFromUtf8("it's a signature"),
    };

    private static BlockID Id() => new()
    {
        Hash = Sha256("blockID_hash"),
        PartSetHeader = new PartSetHeader { Total = 1_000_000, Hash = Sha256("blockID_part_set_header_hash") },
    };

    private static ByteString Sha256(string text) =>
        ByteString.CopyFrom(SHA256.HashData(Encoding.ASCII.GetBytes(text)));

    private static TestCaseData Case(Message message, string hex) =>
        new TestCaseData(message, hex).SetArgDisplayNames($"{message.SumCase} {hex.Length / 2} bytes");
}
