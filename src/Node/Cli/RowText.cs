using System;
using System.Globalization;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Rows of the state in words, for those whom a proof has convinced.</summary>
internal static class RowText
{
    /// <summary>
    /// Names and values of a row; one pair with hex when its kind has no words or it does not decode.
    /// </summary>
    public static (string Name, string Value)[] Of(byte[] key, byte[] value)
    {
        try
        {
            var keyReader = new ByteReader(key.AsSpan(1));
            var valueReader = new ByteReader(value);
            return (RowKind)key[0] switch
            {
                RowKind.Chain => Of(ChainRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Pool => Of(PoolRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Market => Of(MarketRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Oracle => Of(OracleRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Account => Of(AccountRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Nonce => Of(NonceRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Position => Of(PositionRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Order => Of(OrderRow.Decode(ref keyReader, ref valueReader)),
                RowKind.Liquidation => Of(LiquidationRow.Decode(ref keyReader, ref valueReader)),
                _ => Raw(value),
            };
        }
        catch (Exception error) when (error is InvariantException or OverflowException)
        {
            return Raw(value);
        }
    }

    /// <summary>What kind of row a key names.</summary>
    public static string Kind(byte[] key) =>
        key.Length > 0 && Enum.IsDefined((RowKind)key[0]) ? $"{(RowKind)key[0]}" : "unknown kind";

    private static (string, string)[] Of(in ChainRow row) =>
        [("chain", row.ChainId), ("height", Text(row.Height)), ("next order", Text(row.NextOrderId))];

    private static (string, string)[] Of(in PoolRow row) =>
    [
        ("held", DecimalText.FormatAmount(row.Held)),
        ("claims", DecimalText.FormatAmount(row.Claims)),
        ("insurance fund", DecimalText.FormatAmount(row.InsuranceFund)),
        ("fees", DecimalText.FormatAmount(row.Fees)),
        ("leaving", DecimalText.FormatAmount(row.Leaving)),
    ];

    private static (string, string)[] Of(in MarketRow row) =>
    [
        ("market", $"{Text(row.Parameters.MarketId)}  {row.Parameters.Ticker}"),
        ("mark price", DecimalText.Grouped(DecimalText.Format(row.MarkPrice, row.Parameters.PriceDecimals))),
        ("last price", DecimalText.Grouped(DecimalText.Format(row.LastPrice, row.Parameters.PriceDecimals))),
        ("open interest",
            DecimalText.Grouped(DecimalText.Format(row.OpenInterest, row.Parameters.QuantityDecimals))),
    ];

    private static (string, string)[] Of(in OracleRow row) =>
    [
        ("market", Text(row.Market)),
        ("state", $"{row.State}"),
        ("price", $"{Text(row.Price)} ticks"),
        ("confidence", $"{Text(row.Confidence)} ticks"),
        ("updates", Text(row.Updates)),
    ];

    private static (string, string)[] Of(in AccountRow row) =>
    [
        ("account", AccountText.Of(row.Id)),
        ("number", Text(row.Number)),
        ("collateral", DecimalText.FormatAmount(row.Collateral)),
    ];

    private static (string, string)[] Of(in NonceRow row) =>
        [("owner", AccountText.Of(row.Owner)), ("highest nonce", Text(row.Highest))];

    private static (string, string)[] Of(in PositionRow row) =>
    [
        ("account number", Text(row.Account)),
        ("market", Text(row.Market)),
        ("size", $"{Text(row.Size)} lots"),
        ("entry notional", DecimalText.FormatAmount(row.EntryNotional)),
    ];

    private static (string, string)[] Of(in OrderRow row) =>
    [
        ("order", Text(row.OrderId)),
        ("account number", Text(row.Account)),
        ("market", Text(row.Market)),
        ("side", QueryText.Word(row.Side)),
        ("price", $"{Text(row.Price)} ticks"),
        ("quantity", $"{Text(row.Quantity)} of {Text(row.OriginalQuantity)} lots"),
    ];

    private static (string, string)[] Of(in LiquidationRow row) =>
        [("account number", Text(row.Account)), ("since height", Text(row.SinceHeight)), ("slices", Text(row.Slices))];

    private static (string, string)[] Raw(byte[] value) => [("value", Convert.ToHexStringLower(value))];

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
