using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>The recorded tapes, which are part of this assembly.</summary>
internal static class Tapes
{
    private const string Prefix = "tapes/";
    private static readonly Assembly Here = typeof(Tapes).Assembly;

    /// <summary>Tapes of applications, as scenario.nodeN.abci.</summary>
    public static IEnumerable<string> Applications() => Names(".abci");

    /// <summary>
    /// Those of validators, which begin with genesis; not that of a node that begins with a snapshot.
    /// </summary>
    public static IEnumerable<string> Validators() =>
        Applications().Where(name => !name.StartsWith("state_sync", StringComparison.Ordinal));

    /// <summary>Tapes of signers.</summary>
    public static IEnumerable<string> Signers() => Names(".privval");

    public static Tape Open(string name) => Tape.Load(Here.GetManifestResourceStream(Prefix + name)!);

    /// <summary>The calls of one process; without an answer where it died.</summary>
    public static IEnumerable<(Request Request, TapeEntry Sent, TapeEntry? Answer)> Frames(IReadOnlyList<TapeEntry> run)
    {
        for (int i = 0; i < run.Count; i++)
        {
            if (run[i].Kind != TapeKind.Request) continue;
            bool isAnswered = i + 1 < run.Count && run[i + 1].Kind == TapeKind.Answer;
            yield return (Request.Parser.Read(run[i].Message), run[i], isAnswered ? run[i + 1] : null);
        }
    }

    /// <summary>The same, decoded.</summary>
    public static IEnumerable<(Request Request, Response? Answer)> Calls(IReadOnlyList<TapeEntry> run) =>
        Frames(run).Select(one => (one.Request, one.Answer is null ? null : Response.Parser.Read(one.Answer.Message)));

    /// <summary>Number of the node in a tape's name.</summary>
    public static int NodeOf(string name) =>
        int.Parse(name.Split('.')[1]["node".Length..], CultureInfo.InvariantCulture);

    /// <summary>Consensus key of a validator of every recorded network.</summary>
    public static SoftwareKey ConsensusKey(int validator) =>
        SoftwareKey.FromSeed(new NetworkFiles(VectorNetwork.Options("", 0)).ConsensusSeed(validator));

    /// <summary>A call of those that <see cref="CallGrammar"/> knows; null for the others.</summary>
    public static AbciCall? CallOf(Request request, Response? answer) => request.ValueCase switch
    {
        Request.ValueOneofCase.Info => answer is null ? null : new AbciCall(CallKind.Info, answer.Info.LastBlockHeight),
        Request.ValueOneofCase.InitChain =>
            new AbciCall(CallKind.InitChain, Math.Max(1, request.InitChain.InitialHeight)),
        Request.ValueOneofCase.OfferSnapshot => new AbciCall(CallKind.OfferSnapshot, 0),
        Request.ValueOneofCase.ApplySnapshotChunk => new AbciCall(CallKind.ApplySnapshotChunk, 0),
        Request.ValueOneofCase.PrepareProposal =>
            new AbciCall(CallKind.PrepareProposal, request.PrepareProposal.Height),
        Request.ValueOneofCase.ProcessProposal =>
            new AbciCall(CallKind.ProcessProposal, request.ProcessProposal.Height),
        Request.ValueOneofCase.ExtendVote => new AbciCall(CallKind.ExtendVote, request.ExtendVote.Height),
        Request.ValueOneofCase.VerifyVoteExtension =>
            new AbciCall(CallKind.VerifyVoteExtension, request.VerifyVoteExtension.Height),
        Request.ValueOneofCase.FinalizeBlock => new AbciCall(CallKind.FinalizeBlock, request.FinalizeBlock.Height),
        Request.ValueOneofCase.Commit => new AbciCall(CallKind.Commit, 0),
        _ => null,
    };

    private static IEnumerable<string> Names(string ending) => Here.GetManifestResourceNames()
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.EndsWith(ending, StringComparison.Ordinal))
        .Select(name => name[Prefix.Length..]).Order(StringComparer.Ordinal);
}
