using System;
using System.Linq;
using AppChain.Abci;
using AppChain.Hsm;
using AppChain.Localnet;
using AppChain.Node;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>
/// The machine of one validator: what survives the death of its processes (disk, files of the engine, state of the
/// signer, key) and how its processes are started again from that.
/// </summary>
internal sealed class Machine
{
    private readonly World _world;
    private SignState _signed = SignState.Fresh;
    private Application? _application;

    public Machine(World world, int index)
    {
        _world = world;
        Index = index;
        Key = SoftwareKey.FromSeed(Enumerable.Repeat((byte)(index + 1), 32).ToArray());
        Address = BlockHashes.Address(Key.PublicKey.Span);
        Disk = new SimulatedDisk(families: 3, (kind, number) => world.Step(index, kind, number));
        Blocks = new TornStream(
            length => world.Step(index, StepKind.EngineLog, length), () => world.Random.NextDouble());
        Inputs = new TornStream(
            length => world.Step(index, StepKind.EngineLog, length), () => world.Random.NextDouble());
    }

    /// <summary>Number of the validator.</summary>
    public int Index { get; }

    /// <summary>The key, which a liar also uses without the guard.</summary>
    public SoftwareKey Key { get; }

    /// <summary>Its address as a validator.</summary>
    public ByteString Address { get; }

    /// <summary>The disk of its application.</summary>
    public SimulatedDisk Disk { get; }

    /// <summary>Blocks, results and states of its engine.</summary>
    public TornStream Blocks { get; }

    /// <summary>Inputs of the current height of its engine.</summary>
    public TornStream Inputs { get; }

    /// <summary>How far its clock is ahead, ns.</summary>
    public long Skew { get; set; }

    /// <summary>Its last block changes validators or parameters, and may not be taken in everywhere yet.</summary>
    public bool IsChanging { get; set; }

    /// <summary>How often its application was started; once, if the validator never died.</summary>
    public int Starts { get; private set; }

    /// <summary>The machine goes, and takes along what was not on its disk.</summary>
    public void LosePower()
    {
        Disk.LosePower(_world.Random);
        Blocks.LosePower();
        Inputs.LosePower();
    }

    /// <summary>Starts the application from the disk.</summary>
    public IApplication StartApplication()
    {
        IsChanging = false;
        Starts++;
        _world.Step(Index, StepKind.Start, Index);
        PriceFeed feed = _world.Prices.FeedOf(Index);
        Disk.IsFull = _world.FindsDiskFull;
        _application = new Application(new ChainStore(Disk, Materialising.AtOnce), feed, checkEveryRow: true,
            NodeLog.Silent, () => _world.ChainTimeOf(Index));
        return new DirectApplication(_world, this, _application);
    }

    /// <summary>Starts the signer from its recorded state.</summary>
    public IVoteSigner StartSigner() => new ConsensusSigner(World.ChainId, Key, _signed, state =>
    {
        _world.Step(Index, StepKind.BeforeSign, state.Height);
        _signed = state;
        _world.Step(Index, StepKind.AfterSign, state.Height);
    });
}
