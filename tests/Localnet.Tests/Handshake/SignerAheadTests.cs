using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using AppChain.Abci;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// A real CometBFT with the product's signer, dying between a signature and its log (docs/decisions/0052). It is the
/// only validator, which is stricter than four: what it does not sign, nobody makes up for.
/// </summary>
[TestFixture, Category("Long")]
public sealed class SignerAheadTests
{
    private readonly int _port = TestPorts.Next();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private string _folder = "";
    private RealApplication _application = null!;
    private AbciServer _server = null!;
    private CometBftNode _node = null!;
    private CancellationTokenSource _stop = null!;
    private Thread _signer = null!;

    // Called with what the signer has recorded, before it signs.
    private Action<SignState> _recorded = _ => { };

    private string Log => Path.Combine(_folder, "home", "data", "cs.wal", "wal");

    [SetUp]
    public void Begin()
    {
        CometBftNode.Binary();
        _folder = Directory.CreateTempSubdirectory("appchain-ahead-").FullName;
        _application = new RealApplication(Path.Combine(_folder, "data"));
        _server = new AbciServer(_application.Served, $"unix://{_folder}/abci.sock");
        _node = new CometBftNode(Path.Combine(_folder, "home"));
        string address = $"unix://{_folder}/signer.sock";
        _node.Create(EmbeddedHandshakeTests.GenesisJson(), EmbeddedHandshakeTests.Seed,
            $"unix://{_folder}/abci.sock", _port, signer: address);
        _recorded = _ => { };
        var key = SoftwareKey.FromSeed(EmbeddedHandshakeTests.Seed);
        var guarded = new ConsensusSigner(TestNetwork.ChainId, key, SignState.Fresh, state => _recorded(state));
        _stop = new CancellationTokenSource();
        _signer = new Thread(() => new RemoteSigner(address, guarded).Run(_stop.Token)) { IsBackground = true };
        _signer.Start();
    }

    [TearDown]
    public void End()
    {
        if (_folder.Length == 0) return;
        _recorded = _ => { };
        _node.Dispose();
        _stop.Cancel();
        _signer.Join();
        _stop.Dispose();
        _server.Dispose();
        _application.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // What CometBFT has written when it asks is what a machine without power keeps: it synchronises its log before it
    // asks. Its log is put back to that moment, and the signer alone remembers.
    [TestCase(SignStep.Proposal)]
    [TestCase(SignStep.Prevote)]
    [TestCase(SignStep.Precommit)]
    public void CometBFT_that_forgets_what_was_signed_last_goes_on(SignStep step)
    {
        const long dies = 5;
        byte[]? log = null;
        _recorded = state =>
        {
            if (log is not null || state.Height != dies || state.Step != step) return;
            log = File.ReadAllBytes(Log);
            _node.Kill();
        };

        // After the restart the block of the proposer is another one, which the signer must refuse.
        _application.Proposing = response =>
        {
            if (log is null && _application.Info().LastBlockHeight == dies - 1 && step == SignStep.Proposal)
                response.Txs.Add(ByteString.CopyFromUtf8("no transaction"));
        };
        Start();
        Await(() => _node.HasExited);
        Assert.That(log, Is.Not.Null, _node.Said);
        File.WriteAllBytes(Log, log!);
        Start();
        Await(() => _application.Info().LastBlockHeight >= dies + 4);
        int refused = step == SignStep.Proposal ? 1 : 0;
        Assert.That(_application.Blocks[dies + 1].DecidedLastCommit.Round, Is.EqualTo(refused), "rounds that it cost");
    }

    // Two deaths in a row, the first in the one moment in which the block is stored and its height not yet ended in the
    // log: the log of the next height is then never read again, and what was signed there is forgotten with the second.
    [Test]
    public void CometBFT_that_dies_before_the_end_of_a_height_and_again_in_the_next_one_stands_still()
    {
        const int storedButNotEnded = 3;
        Start(diesAt: storedButNotEnded);
        Await(() => _node.HasExited);
        Assert.That(_application.Info().LastBlockHeight, Is.Zero, "the block is stored and not executed");

        bool signed = false;
        _recorded = state =>
        {
            if (state is not { Height: 2, Step: SignStep.Precommit }) return;
            signed = true;
            _node.Kill();
        };
        Start();
        Await(() => _node.HasExited);
        Assert.That(signed, _node.Said);
        Assert.That(_node.Said, Does.Contain("WAL does not contain #ENDHEIGHT"));
        Start();
        Await(() => _node.Said.Contains("WAL does not contain #ENDHEIGHT", StringComparison.Ordinal));
        Thread.Sleep(TimeSpan.FromSeconds(8));
        Assert.That(_node.HasExited, Is.False);
        Assert.That(_application.Info().LastBlockHeight, Is.EqualTo(1), "nothing that it may sign leads on");
    }

    // A socket outlives the process that listened at it, and CometBFT does not listen where there is one.
    private void Start(int? diesAt = null)
    {
        File.Delete(Path.Combine(_folder, "signer.sock"));
        _node.Start(diesAt);
    }

    private void Await(Func<bool> condition) =>
        Assert.That(CometBftNetwork.Await(condition, Patience.TotalSeconds), _node.Said);
}
