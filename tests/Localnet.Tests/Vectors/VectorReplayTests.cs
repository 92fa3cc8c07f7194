using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Node;
using Google.Protobuf;
using NUnit.Framework;
using SignerMessage = AppChain.Abci.Wire.Privval.Message;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>
/// What real CometBFT nodes said to this application and to its signer, replayed where no CometBFT is at hand. The
/// tapes are recorded again with <c>./appchain record</c>, which a change of execution makes necessary.
/// </summary>
[TestFixture]
public sealed class VectorReplayTests
{
    private const string Again = "if the change is meant, record again: ./appchain record";
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("appchain-vectors-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// Through a socket, into an application with an empty store; where the recorded process died, the application is
    /// opened again from its store.
    /// </summary>
    [TestCaseSource(typeof(Tapes), nameof(Tapes.Applications))]
    public void A_fresh_application_gives_the_recorded_answers_byte_for_byte(string name)
    {
        Tape tape = Tapes.Open(name);
        int answers = 0;
        IReadOnlyList<TapeEntry>[] runs = [.. tape.Runs()];
        for (int i = 0; i < runs.Length; i++)
        {
            answers += Replay(name, runs[i], i + 1 < runs.Length ? HeightAtStart(runs[i + 1]) : null);
        }

        Assert.That(answers, Is.GreaterThan(30));
        TestContext.Out.WriteLine($"{name}: {runs.Length} processes, {answers} answers");
    }

    /// <summary>As a node that catches up sees it: genesis and blocks, nothing of the votes.</summary>
    [TestCaseSource(typeof(Tapes), nameof(Tapes.Validators))]
    public void The_blocks_alone_give_the_recorded_app_hashes(string name)
    {
        using var application = new Node.Application(
            new ChainStore(_folder), null, checkEveryRow: true, NodeLog.Silent);
        foreach ((Request request, Response? answer) in Tapes.Open(name).Runs().SelectMany(Tapes.Calls))
        {
            if (request.InitChain is { } genesis && application.Height == 0)
            {
                Assert.That(application.InitChain(genesis).AppHash, Is.EqualTo(answer!.InitChain.AppHash), Again);
            }

            if (request.FinalizeBlock is not { } block || answer is null
                || (application.Height > 0 && block.Height != application.Height + 1)) continue;
            ResponseFinalizeBlock response = application.FinalizeBlock(block);
            Assert.That(response.AppHash, Is.EqualTo(answer.FinalizeBlock.AppHash), $"height {block.Height}; {Again}");
            application.Commit(new RequestCommit());
        }

        Assert.That(application.Height, Is.GreaterThan(10));
    }

    [TestCaseSource(typeof(Tapes), nameof(Tapes.Applications))]
    public void Taped_calls_follow_the_grammar(string name)
    {
        var grammar = new CallGrammar();
        int calls = 0;
        foreach (IReadOnlyList<TapeEntry> run in Tapes.Open(name).Runs())
        {
            Assert.That(grammar.Take(new AbciCall(CallKind.Start, 0)), Is.Null);
            foreach (AbciCall call in Tapes.Calls(run).Select(pair => Tapes.CallOf(pair.Request, pair.Answer))
                .OfType<AbciCall>())
            {
                Assert.That(grammar.Take(call), Is.Null);
                calls++;
            }
        }

        Assert.That(calls, Is.GreaterThan(20));
    }

    /// <summary>
    /// The questions to a signer, asked of ours with the same key, which is the first of a localnet's.
    /// </summary>
    [TestCaseSource(typeof(Tapes), nameof(Tapes.Signers))]
    public void The_signer_gives_the_recorded_answers_and_none_twice(string name)
    {
        using SoftwareKey key = Tapes.ConsensusKey(0);
        SignState saved = SignState.Fresh;
        int signed = 0;
        foreach (IReadOnlyList<TapeEntry> run in Tapes.Open(name).Runs())
        {
            for (int i = 0; i + 1 < run.Count; i += 2)
            {
                SignerMessage question = SignerMessage.Parser.Read(run[i].Message);
                Assert.That(question.ToByteArray(), Is.EqualTo(run[i].Message.ToArray()));
                // Opened again at each question, as after a crash.
                RemoteSigner signer = SignerOf(key, saved, state => saved = state);
                byte[] recorded = run[i + 1].Message.ToArray();
                Assert.That(signer.Answer(question)!.ToByteArray(), Is.EqualTo(recorded), question.ToString());
                if (question.SumCase is not (SignerMessage.SumOneofCase.SignVoteRequest
                    or SignerMessage.SumOneofCase.SignProposalRequest)) continue;
                signed++;
                Assert.That(
                    SignerOf(key, saved, _ => { }).Answer(question)!.ToByteArray(),
                    Is.EqualTo(recorded),
                    "asked again");
                AssertRefused(SignerOf(key, saved, _ => Assert.Fail("recorded")), question);
            }
        }

        Assert.That(signed, Is.GreaterThan(30));
        TestContext.Out.WriteLine($"{name}: {signed} signatures");
    }

    private static RemoteSigner SignerOf(SoftwareKey key, SignState state, Action<SignState> save) =>
        new("unix:///unused", new ConsensusSigner(NetworkFiles.ChainId, key, state, save));

    // Another block at the same place, and the height before.
    private static void AssertRefused(RemoteSigner signer, SignerMessage question)
    {
        foreach (bool isEarlier in new[] { false, true })
        {
            SignerMessage other = question.Clone();
            var block = new BlockID
            {
                Hash = ByteString.CopyFrom(new byte[32]),
                PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFrom(new byte[32]) },
            };
            if (other.SignVoteRequest is { } vote)
            {
                vote.Vote.BlockId = block;
                vote.Vote.Height -= isEarlier ? 1 : 0;
            }
            else
            {
                other.SignProposalRequest.Proposal.BlockId = block;
                other.SignProposalRequest.Proposal.Height -= isEarlier ? 1 : 0;
            }

            SignerMessage answer = signer.Answer(other)!;
            Assert.That(answer.SignedVoteResponse?.Error ?? answer.SignedProposalResponse?.Error, Is.Not.Null);
        }
    }

    private int Replay(string name, IReadOnlyList<TapeEntry> run, long? next)
    {
        var prices = new RecordedPrices(Tapes.NodeOf(name));
        using var application = new Node.Application(
            new ChainStore(_folder), Tapes.Validators().Contains(name) ? prices.Feed() : null,
            checkEveryRow: true, NodeLog.Silent);
        using var server = new AbciServer(application, $"unix://{_folder}/abci.sock");
        using Socket socket = SocketEndpoint.Parse(server.Address).Connect(TimeSpan.Zero);
        using var stream = new NetworkStream(socket);
        var reader = new FrameReader(stream, Frame.DefaultBytesMax);
        int answers = 0;
        foreach ((Request request, TapeEntry sent, TapeEntry? recorded) in Tapes.Frames(run))
        {
            // Where the process died, only a Commit that had become durable has happened.
            if (recorded is null && (next ?? 0) <= application.Height) continue;
            if (request.ExtendVote is { } vote) prices.Height = vote.Height;
            stream.Write(sent.Frame);
            Assert.That(reader.TryRead(out ReadOnlySpan<byte> answer), Is.True);
            if (recorded is null) continue;
            if (!answer.SequenceEqual(recorded.Message))
            {
                Assert.That(Response.Parser.Read(answer), Is.EqualTo(Response.Parser.Read(recorded.Message)),
                    $"{request.ValueCase}, call {answers + 1} at height {application.Height}; {Again}");
                Assert.Fail($"the same answer in other bytes: {request}");
            }

            answers++;
        }

        return answers;
    }

    // What Info answered when the process began; null when it was not asked.
    private static long? HeightAtStart(IReadOnlyList<TapeEntry> run) =>
        Tapes.Calls(run).FirstOrDefault(pair => pair.Request.Info is not null).Answer?.Info.LastBlockHeight;
}
