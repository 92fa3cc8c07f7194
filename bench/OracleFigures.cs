using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Bench;

/// <summary>
/// Step 2 of a block: the reports of all validators, each on every default market and each with a new price, become the
/// index prices. Verifying the signatures of the vote extensions is the node's and not in it.
/// </summary>
internal static class OracleFigures
{
    private const long Second = 1_000_000_000;
    private const int WarmUp = 2_000;
    private const int Blocks = 1_000;

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        Print(4);
        Print(100);
    }

    private static void Print(int count)
    {
        var validators = ImmutableArray.CreateBuilder<Validator>(count);
        for (int i = 0; i < count; i++)
        {
            byte[] key = SHA256.HashData(BitConverter.GetBytes(i));
            validators.Add(new Validator(new Address(BlockHashes.Address(key.AsSpan()).Span), [.. key], 10));
        }

        var state = new State();
        state.ValidatorSets.Add(new ValidatorSetRow { FromHeight = 1, Validators = validators.MoveToImmutable() });
        foreach (Margin.MarketParameters market in GenesisFile.DefaultMarkets)
        {
            state.AddMarket(new MarketRow { Parameters = market });
        }

        state.Forget();
        var costs = new List<Cost>();
        for (int height = 2; height < WarmUp + Blocks; height++)
        {
            Block block = BlockOf(state, height);
            var events = new List<ExchangeEvent>(16);
            Savepoint start = state.Journal.Mark();
            Cost cost = Cost.Of(() => OracleUpdate.Execute(state, block, events));
            state.Journal.Release(start);
            state.Forget();
            if (height >= WarmUp)
            {
                costs.Add(cost);
            }
        }

        Cost median = Cost.Median(costs);
        Console.WriteLine(
            $"oracle update: {median.Wall * 1e6:0} µs, {median.Processor * 1e6:0} µs by processor time, "
            + $"{count} validators, {state.Markets.Count} markets "
            + $"(median of {costs.Count} blocks, 99 % {Cost.Quantile(costs, 0.99).Wall * 1e6:0} µs), "
            + $"{median.Bytes:0} bytes allocated");
    }

    private static Block BlockOf(State state, int height)
    {
        long time = (1_790_000_000 + height) * Second;
        var random = new Random(height);
        var update = ImmutableArray.CreateBuilder<ValidatorReports>();
        foreach (Validator validator in state.ValidatorSets.Read(0).Validators)
        {
            var reports = ImmutableArray.CreateBuilder<PriceReport>(state.Markets.Count);
            for (int slot = 0; slot < state.Markets.Count; slot++)
            {
                uint market = state.Markets.Read(slot).Parameters.MarketId;
                reports.Add(new PriceReport(market, 500_000 + random.Next(-200, 200), random.Next(1, 50), time));
            }

            update.Add(new ValidatorReports(validator.Address, reports.MoveToImmutable()));
        }

        return new Block
        {
            Height = height,
            Time = time,
            PriceUpdate = update.ToImmutable(),
            Transactions = [],
            UndecodedCodes = [],
        };
    }
}
