using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AppChain.Abci.Wire;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf.Collections;

namespace AppChain.Simulation;

/// <summary>
/// Predicts what funding each position pays: its size before the block times the way that the funding index has gone
/// since the position last settled, rounded up. A block settles a position at most once, before anything else happens
/// to it.
/// </summary>
internal sealed class FundingModel
{
    private readonly List<PositionRow> _before = [];

    /// <summary>Compares the announced payments of a block with the prediction.</summary>
    /// <exception cref="Violation">They differ.</exception>
    public void Check(Rows rows, ResponseFinalizeBlock response, long height)
    {
        List<PositionRow> now = rows.Of<PositionKey, PositionRow>();
        Dictionary<(string, uint), Int128>? announced = Announced(response);
        int at = 0;
        foreach (PositionRow row in _before)
        {
            // Both ascend by account and market.
            while (at < now.Count && now[at].Key.CompareTo(row.Key) < 0) at++;
            bool isLeft = at < now.Count && now[at].Key.Equals(row.Key);
            bool isSettled = !isLeft || now[at].FundingIndex != row.FundingIndex;
            if (!isSettled && announced is null) continue;
            Int128 moved = isSettled ? IndexOf(rows, row.Market) - row.FundingIndex : 0;
            Int128 predicted = Beliefs.Ceiling(moved * row.Size, Int128.One << 32);
            Int128 paid = 0;
            announced?.Remove((NameOf(rows, row.Account), row.Market), out paid);
            if (paid != predicted)
                throw new Violation(
                    "funding", height, $"account {row.Account} owes {predicted} in market {row.Market}, not {paid}");
        }
        if (announced is not null && announced.Values.Any(paid => paid != 0))
            throw new Violation("funding", height, "somebody without a position paid");
        _before.Clear();
        _before.AddRange(now);
    }

    private static Int128 IndexOf(Rows rows, uint market) =>
        rows.Of<uint, MarketRow>().Single(row => row.Parameters.MarketId == market).FundingIndex;

    private static string NameOf(Rows rows, int account) =>
        AccountText.Of(rows.Of<AccountId, AccountRow>().Single(row => row.Number == account).Id);

    // Sums by account and market; null if nothing was announced, as in most blocks.
    private static Dictionary<(string, uint), Int128>? Announced(ResponseFinalizeBlock response)
    {
        Dictionary<(string, uint), Int128>? sums = null;
        Add(response.Events, ref sums);
        foreach (ExecTxResult result in response.TxResults) Add(result.Events, ref sums);
        return sums;
    }

    private static void Add(RepeatedField<Event> events, ref Dictionary<(string, uint), Int128>? sums)
    {
        foreach (Event happened in events)
        {
            if (happened.Type != "appchain.v1.FundingSettled") continue;
            string account = Text(happened, "account");
            uint market = uint.Parse(Text(happened, "market"), CultureInfo.InvariantCulture);
            Int128 amount = Int128.Parse(Text(happened, "amount"), CultureInfo.InvariantCulture);
            sums ??= [];
            sums[(account, market)] = sums.GetValueOrDefault((account, market)) + amount;
        }
    }

    private static string Text(Event happened, string name) =>
        happened.Attributes.Single(item => item.Key == name).Value;
}
