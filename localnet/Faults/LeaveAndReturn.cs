using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// Guardians take a validator's power away and, some blocks later, give it back (VAULT-17): it leaves, follows without
/// a vote, joins again and signs. Its processes run all the while.
/// </summary>
internal sealed class LeaveAndReturn(NetworkFiles files, IReadOnlyList<RpcClient> nodes)
{
    private const long BlocksWithout = 5;
    private const long BlocksToSign = 30;
    private readonly GuardianVote _guardians = new(files, nodes[0]);

    /// <summary>Returns when the validator has signed a commit again.</summary>
    /// <exception cref="InvalidOperationException">
    /// An engine has another set than the chain names at a height, or the returned validator does not sign.
    /// </exception>
    public async Task RunAsync(int victim, CancellationToken cancel)
    {
        string name = (await nodes[victim].StatusAsync(cancel).ConfigureAwait(false)).ValidatorAddress;
        ByteString address = ByteString.CopyFrom(Convert.FromHexString(name));
        V1.ValidatorInfo member = (await NewestSetAsync(cancel).ConfigureAwait(false)).Validators
            .Single(one => one.Address == name);
        byte[] key = Convert.FromBase64String(member.PublicKey);
        long power = (long)member.Power;

        long without = await ChangeAsync(new PowerChange([.. key], 0, power), cancel).ConfigureAwait(false);
        await RequireSetAsync(without, address, 0, cancel).ConfigureAwait(false);
        await Recovery.ReachAsync(nodes[victim], without + BlocksWithout, cancel).ConfigureAwait(false);
        bool signs = await SignsAsync(without + BlocksWithout - 1, address, cancel).ConfigureAwait(false);
        Require(!signs, "it still signs");

        long back = await ChangeAsync(new PowerChange([.. key], power, 0), cancel).ConfigureAwait(false);
        await RequireSetAsync(back, address, power, cancel).ConfigureAwait(false);
        long height = back;
        while (true)
        {
            await Recovery.ReachAsync(nodes[0], height + 1, cancel).ConfigureAwait(false);
            if (await SignsAsync(height, address, cancel).ConfigureAwait(false)) return;
            Require(++height < back + BlocksToSign, $"it signs none of {BlocksToSign} blocks");
        }
    }

    // The height at which the changed set votes first.
    private async Task<long> ChangeAsync(PowerChange change, CancellationToken cancel)
    {
        ulong before = (await NewestSetAsync(cancel).ConfigureAwait(false)).FromHeight;
        await _guardians.DecideAsync(new ValidatorPowers([change]), cancel).ConfigureAwait(false);
        ulong from = (await NewestSetAsync(cancel).ConfigureAwait(false)).FromHeight;
        Require(from > before, "a proposal is executed and the set is the same");
        return (long)from;
    }

    private async Task<V1.ValidatorSet> NewestSetAsync(CancellationToken cancel) =>
        (await nodes[0].ValidatorSetsAsync(cancel).ConfigureAwait(false)).Sets[^1];

    // Every engine has the new set from that height on, and not before.
    private async Task RequireSetAsync(long from, ByteString address, long power, CancellationToken cancel)
    {
        foreach (RpcClient node in nodes)
        {
            await Recovery.ReachAsync(node, from, cancel).ConfigureAwait(false);
            long now = await PowerAsync(node, from, address, cancel).ConfigureAwait(false);
            long before = await PowerAsync(node, from - 1, address, cancel).ConfigureAwait(false);
            Require(now == power, $"an engine has power {now} for it at {from}, decided was {power}");
            Require(before != power, $"an engine has power {before} for it at {from - 1} already");
        }
    }

    private static async Task<long> PowerAsync(
        RpcClient node, long height, ByteString address, CancellationToken cancel)
    {
        IReadOnlyList<Abci.Wire.Types.Validator> set =
            await node.ValidatorsAsync(height, cancel).ConfigureAwait(false);
        return set.FirstOrDefault(one => one.Address == address)?.VotingPower ?? 0;
    }

    private async Task<bool> SignsAsync(long height, ByteString address, CancellationToken cancel) =>
        (await nodes[0].CommitAsync(height, cancel).ConfigureAwait(false)).IsSignedBy(address);

    private static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"leave and return: {what}");
        }
    }
}
