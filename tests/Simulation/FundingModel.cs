using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using AppChain.Abci.Wire;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>
/// Predicts what funding each position pays: its size before the block times the way that the funding index has gone
/// since the position last settled, rounded up. A block settles a position at most once, before anything else happens
/// to it.
/// </summary>
internal sealed class FundingModel
{
    private Dictionary<(int Account, uint Market), PositionRow> _before = [];

    /// <summary>Compares the announced payments of a block with the prediction.</summary>
    /// <exception cref="Violation">They differ.</exception>
    public void Check(Rows rows, ResponseFinalizeBlock response, long height)
    {
        Dictionary<(int Account, uint Market), PositionRow> now =
            rows.Of<PositionKey, PositionRow>().ToDictionary(row => (row.Account, row.Market));
        Dictionary<uint, BigInteger> index =
            rows.Of<uint, MarketRow>().ToDictionary(
                row => row.Parameters.MarketId, row => (BigInteger)row.FundingIndex);
        Dictionary<(string, uint), BigInteger> announced = Announced(response);
        bool isDue = announced.Count > 0 || _before.Any(item => index[item.Key.Market] != item.Value.FundingIndex);
        if (isDue)
        {
            Dictionary<int, string> names =
                rows.Of<AccountId, AccountRow>().ToDictionary(row => row.Number, row => AccountText.Of(row.Id));
            foreach (((int account, uint market) key, PositionRow row) in _before)
            {
                bool isSettled = !now.TryGetValue(key, out PositionRow left) || left.FundingIndex != row.FundingIndex;
                BigInteger moved = isSettled ? index[key.market] - row.FundingIndex : 0;
                BigInteger predicted = Beliefs.Ceiling(moved * row.Size, BigInteger.One << 32);
                announced.Remove((names[key.account], key.market), out BigInteger paid);
                if (paid != predicted)
                    throw new Violation(
                        "funding",
                        height,
                        $"account {key.account} owes {predicted} in market {key.market}, not {paid}");
            }
            if (announced.Values.Any(paid => paid != 0))
                throw new Violation("funding", height, "somebody without a position paid");
        }
        _before = now;
    }

    private static Dictionary<(string, uint), BigInteger> Announced(ResponseFinalizeBlock response)
    {
        const string settled = "appchain.v1.FundingSettled";
        Dictionary<(string, uint), BigInteger> sums = [];
        IEnumerable<Event> all = response.Events.Concat(response.TxResults.SelectMany(result => result.Events));
        foreach (Event happened in all.Where(item => item.Type == settled))
        {
            string Of(string name) => happened.Attributes.Single(item => item.Key == name).Value;
            var key = (Of("account"), uint.Parse(Of("market"), CultureInfo.InvariantCulture));
            sums[key] = sums.GetValueOrDefault(key) + BigInteger.Parse(Of("amount"), CultureInfo.InvariantCulture);
        }
        return sums;
    }
}
