using System;

namespace AppChain.Localnet;

/// <summary>
/// The loopback ports of a run, counted from the first one: ten for each validator, then one for each ordered pair of
/// them.
/// </summary>
/// <param name="First">RPC port of validator 0.</param>
internal readonly record struct NetworkPorts(int First)
{
    private const int PerValidator = 10;
    private const int FirstRelay = 200;
    private const int RelaysPerValidator = 16;

    /// <summary>Port on which a node serves RPC.</summary>
    public int Rpc(int validator) => First + (PerValidator * validator);

    /// <summary>Port on which a node listens for its peers.</summary>
    public int Peer(int validator) => Rpc(validator) + 1;

    /// <summary>Port on which one of several signers of a validator listens for the others.</summary>
    public int Witness(int validator, int signer) => Rpc(validator) + 2 + signer;

    /// <summary>Port that a node dials to reach another through a relay.</summary>
    public int Relay(int from, int to) => First + FirstRelay + (RelaysPerValidator * from) + to;

    /// <summary>The highest port that a run of so many validators may use, with one node that joins later.</summary>
    public int Last(int validators) =>
        Math.Max(Relay(validators - 1, validators - 1), Rpc(validators) + PerValidator - 1);

    /// <summary>Address of a node's RPC.</summary>
    public string RpcAddress(int validator) => $"http://127.0.0.1:{Rpc(validator)}";
}
