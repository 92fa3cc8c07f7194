using System;
using AppChain.Abci.Wire;
using AppChain.Node;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Simulation.Tests;

/// <summary>The naive model of the money where the traders of the simulation do not go.</summary>
public sealed class LedgerTests
{
    private const long Collateral = 5_000_000;

    // AGENT-7
    [TestCase(1_000_000, 0, true)]
    [TestCase(1_000_000, 1, false)]
    [TestCase(0, 0, true)]
    public void The_price_of_an_agent_goes_from_its_owner_to_the_fees(long fee, long lost, bool isRight)
    {
        var owner = new AccountId(new Address(new byte[Address.Size]), 0);
        var ledger = new Ledger(new GenesisState([], [new GenesisAccount(owner, Collateral)], 0));
        var authorised = new ExchangeEvent
        {
            Kind = EventKind.AgentAuthorised,
            Account = 0,
            Amount = 7,
            Amount2 = 8,
            Amount3 = fee,
            Data = new byte[Address.Size],
        };
        var response = new ResponseFinalizeBlock();
        response.TxResults.Add(new ExecTxResult
        {
            Events = { EventEncoding.Of(authorised, _ => AccountText.Of(owner)) },
        });
        ledger.Apply(response);

        SimulatedDisk disk = new(families: 3, (_, _) => { });
        Put<AccountId, AccountRow>(disk, new AccountRow { Id = owner, Collateral = Collateral - fee });
        Put<SingleKey, PoolRow>(disk, new PoolRow { Held = Collateral, Claims = Collateral - fee, Fees = fee - lost });
        Rows rows = new();
        rows.LookAt(disk, 1);
        Assert.That(() => ledger.Check(rows, 1), isRight ? Throws.Nothing : Throws.TypeOf<Violation>());
    }

    private static void Put<TKey, TRow>(SimulatedDisk disk, in TRow row)
        where TRow : struct, IRow<TKey, TRow>
    {
        var key = new ByteWriter();
        key.WriteByte((byte)TRow.Kind);
        TRow.EncodeKey(row.Key, ref key);
        var value = new ByteWriter();
        TRow.EncodeValue(row, ref value);
        using IWriteBatch batch = disk.NewBatch();
        batch.Put(Rows.Family, key.ToArray(), value.ToArray());
        disk.Write(batch, durable: true);
    }
}
