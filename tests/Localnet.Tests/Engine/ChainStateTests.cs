using System.IO;
using System.Linq;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class ChainStateTests
{
    private static ByteString Bytes(int seed, int count) =>
        ByteString.CopyFrom([.. Enumerable.Range(seed, count).Select(i => (byte)i)]);

    private static ChainState State(string chainId)
    {
        ValidatorSet set = ValidatorSet.Create(
            [new ValidatorChange(Bytes(1, 32), 10), new ValidatorChange(Bytes(2, 32), 20)]);
        BlockID id = new()
        {
            Hash = Bytes(7, 32),
            PartSetHeader = new PartSetHeader { Total = 1, Hash = Bytes(8, 32) },
        };
        ConsensusParams parameters = new() { Block = new BlockParams { MaxBytes = 1 << 20, MaxGas = -1 } };
        return new ChainState(chainId, 5, 6, id, -7, ValidatorSet.Empty, set, set.Increment(1), parameters,
            ulong.MaxValue, Bytes(9, 32), ByteString.Empty);
    }

    /// <summary>The stored form as BinaryWriter makes it: what a data directory holds must stay readable.</summary>
    private static byte[] Naive(ChainState state)
    {
        MemoryStream stream = new();
        BinaryWriter writer = new(stream);
        writer.Write(state.ChainId);
        writer.Write(state.InitialHeight);
        writer.Write(state.LastHeight);
        Write(state.LastBlockId.ToByteArray());
        writer.Write(state.LastTime);
        foreach (ValidatorSet set in (ValidatorSet[])[state.LastValidators, state.Validators, state.NextValidators])
        {
            writer.Write(set.Count);
            foreach (Validator member in set.Members)
            {
                Write(member.PublicKey.ToByteArray());
                writer.Write(member.Power);
                writer.Write(member.Priority);
            }
            if (set.Count > 0) Write(set.Proposer.Address.ToByteArray());
        }
        Write(state.Parameters.ToByteArray());
        writer.Write(state.AppVersion);
        Write(state.AppHash.ToByteArray());
        Write(state.LastResultsHash.ToByteArray());
        writer.Flush();
        return stream.ToArray();

        void Write(byte[] bytes)
        {
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }
    }

    [TestCase("chain")]
    [TestCase("")]
    [TestCase("Kette-ü-鎖")]
    [TestCase("a chain id so long that its length takes two bytes: --------------------------------------------"
        + "------------------------------------------------------------------------------------------------------"
        + "----------------")]
    public void The_stored_form_is_the_one_of_old_and_reads_back(string chainId)
    {
        ChainState state = State(chainId);
        Assert.That(state.ToBytes(), Is.EqualTo(Naive(state)));
        Assert.That(ChainState.FromBytes(state.ToBytes()).ToBytes(), Is.EqualTo(Naive(state)));
    }
}
