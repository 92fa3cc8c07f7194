using System.Net;
using System.Net.Sockets;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Tests;

/// <summary>Votes with block ids that differ by one number; block 0 is nil.</summary>
internal static class Votes
{
    public static Vote Block(SignedMsgType type, long height, int round, byte block, long time = 0) => new()
    {
        Type = type,
        Height = height,
        Round = round,
        BlockId = Id(block),
        Timestamp = WireTime.FromNanoseconds(1_800_000_000_000_000_000 + time),
    };

    public static Proposal Proposal(long height, int round, byte block, long time = 0) => new()
    {
        Type = SignedMsgType.Proposal,
        Height = height,
        Round = round,
        PolRound = -1,
        BlockId = Id(block),
        Timestamp = WireTime.FromNanoseconds(1_800_000_000_000_000_000 + time),
    };

    private static BlockID Id(byte block)
    {
        if (block == 0) return new BlockID();
        byte[] hash = new byte[32];
        hash[0] = block;
        return new BlockID
        {
            Hash = ByteString.CopyFrom(hash),
            PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFrom(hash) },
        };
    }
}

/// <summary>Ports of this machine.</summary>
internal static class Ports
{
    public static int Free()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
