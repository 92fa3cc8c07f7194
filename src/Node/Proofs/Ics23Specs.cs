using Cosmos.Ics23.V1;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>The published proof specifications. Numbers from the ICS-23 reference implementation.</summary>
public static class Ics23Specs
{
    /// <summary>Our state tree, and every other sparse Merkle tree of the same form.</summary>
    public static ProofSpec Smt { get; } = new()
    {
        LeafSpec = new LeafOp
        {
            Hash = HashOp.Sha256,
            PrehashKey = HashOp.Sha256,
            PrehashValue = HashOp.Sha256,
            Length = LengthOp.NoPrefix,
            Prefix = ByteString.CopyFrom(0),
        },
        InnerSpec = new InnerSpec
        {
            ChildOrder = { 0, 1 },
            ChildSize = 32,
            MinPrefixLength = 1,
            MaxPrefixLength = 1,
            EmptyChild = ByteString.CopyFrom(new byte[32]),
            Hash = HashOp.Sha256,
        },
        MaxDepth = 256,
        PrehashKeyBeforeComparison = true,
    };

    /// <summary>The IAVL+ tree of Cosmos SDK stores.</summary>
    public static ProofSpec Iavl { get; } = new()
    {
        LeafSpec = LengthPrefixedLeaf(),
        InnerSpec = new InnerSpec
        {
            ChildOrder = { 0, 1 },
            ChildSize = 33,
            MinPrefixLength = 4,
            MaxPrefixLength = 12,
            Hash = HashOp.Sha256,
        },
    };

    /// <summary>The simple Merkle tree of CometBFT.</summary>
    public static ProofSpec Tendermint { get; } = new()
    {
        LeafSpec = LengthPrefixedLeaf(),
        InnerSpec = new InnerSpec
        {
            ChildOrder = { 0, 1 },
            ChildSize = 32,
            MinPrefixLength = 1,
            MaxPrefixLength = 1,
            Hash = HashOp.Sha256,
        },
    };

    private static LeafOp LengthPrefixedLeaf() => new()
    {
        Hash = HashOp.Sha256,
        PrehashValue = HashOp.Sha256,
        Length = LengthOp.VarProto,
        Prefix = ByteString.CopyFrom(0),
    };
}
