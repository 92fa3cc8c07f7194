using System;
using System.Collections.Immutable;
using System.Text;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// A market: its parameters and everything about it that changes, except the oracle's own row and the book.
/// </summary>
public struct MarketRow : IRow<uint, MarketRow>
{
    /// <summary>Units, margin, fees, caps.</summary>
    public MarketParameters Parameters;

    /// <summary>Lots held long, which is also the lots held short.</summary>
    public long OpenInterest;

    /// <summary>Price of the last fill, ticks; 0 before the first.</summary>
    public long LastPrice;

    /// <summary>Block time (ns) of the last fill.</summary>
    public long LastFillTime;

    /// <summary>Mark price, ticks; 0 before the first oracle price.</summary>
    public long MarkPrice;

    /// <summary>
    /// Basis average: Σ weight × (book mid − index), micro-ticks, event-time decayed. See docs/spec/mark.md.
    /// </summary>
    public Int128 BasisNumerator;

    /// <summary>Basis average: Σ weight, decayed alike.</summary>
    public Int128 BasisDenominator;

    /// <summary>Block time (ns) of the last basis sample; 0 before the first.</summary>
    public long BasisTime;

    /// <summary>
    /// Cumulative funding owed by one long lot, in units of 2^-32 micro-USD (<see cref="FundingScaleBits"/>).
    /// </summary>
    public Int128 FundingIndex;

    /// <summary>Σ premium (ppm) × elapsed ns since the last application.</summary>
    public Int128 PremiumSum;

    /// <summary>Σ elapsed ns that <see cref="PremiumSum"/> covers.</summary>
    public long PremiumTime;

    /// <summary>Block time (ns) of the last premium sample; 0 before the first.</summary>
    public long PremiumSampledAt;

    /// <summary>Block time (ns) at which funding was last applied: a whole hour.</summary>
    public long FundingAppliedAt;

    /// <summary>Rate of the last application, ppm per hour, signed: positive when longs pay.</summary>
    public long LastFundingRatePpm;

    /// <summary>
    /// Micro-USD collected from payers and not yet paid to receivers (negative: paid out first). It counts as claims:
    /// when every position has settled it is zero.
    /// </summary>
    public Int128 FundingClearing;

    /// <summary>
    /// Rounding gain not yet a whole micro-USD, units of 2^-32, 0…2^32 − 1. Whole ones go to the insurance fund.
    /// </summary>
    public long FundingDust;

    /// <summary>Fraction bits of <see cref="FundingIndex"/> and <see cref="FundingDust"/>.</summary>
    public const int FundingScaleBits = 32;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Market;

    /// <inheritdoc/>
    public readonly uint Key => Parameters.MarketId;

    /// <inheritdoc/>
    public static void EncodeKey(in uint key, ref ByteWriter writer) => writer.WriteUInt32(key);

    /// <inheritdoc/>
    public static void EncodeValue(in MarketRow row, ref ByteWriter writer)
    {
        MarketParameters p = row.Parameters;
        writer.WriteBytes(Encoding.ASCII.GetBytes(p.Ticker));
        writer.WriteByte((byte)p.PriceDecimals);
        writer.WriteByte((byte)p.QuantityDecimals);
        writer.WriteInt64(p.TickLotValue);
        writer.WriteByte((byte)p.Tiers.Length);
        foreach (MarginTier tier in p.Tiers)
        {
            writer.WriteInt64(tier.NotionalFrom);
            writer.WriteInt32(tier.InitialPpm);
            writer.WriteInt32(tier.MaintenancePpm);
        }

        writer.WriteInt64(p.OpenInterestScaleLower);
        writer.WriteInt64(p.OpenInterestScaleUpper);
        writer.WriteInt32(p.MakerFeePpm);
        writer.WriteInt32(p.TakerFeePpm);
        writer.WriteInt64(p.PositionLimit);
        writer.WriteInt64(p.OpenInterestCap);
        writer.WriteInt32(p.PriceBandPpm);
        writer.WriteInt64(p.ImpactNotional);
        writer.WriteInt32(p.FundingCapPpm);
        writer.WriteInt32(p.LiquidationFeePpm);
        writer.WriteInt64(p.LiquidationWholeNotional);
        writer.WriteInt32(p.LiquidationSlicePpm);

        writer.WriteInt64(row.OpenInterest);
        writer.WriteInt64(row.LastPrice);
        writer.WriteInt64(row.LastFillTime);
        writer.WriteInt64(row.MarkPrice);
        writer.WriteInt128(row.BasisNumerator);
        writer.WriteInt128(row.BasisDenominator);
        writer.WriteInt64(row.BasisTime);
        writer.WriteInt128(row.FundingIndex);
        writer.WriteInt128(row.PremiumSum);
        writer.WriteInt64(row.PremiumTime);
        writer.WriteInt64(row.PremiumSampledAt);
        writer.WriteInt64(row.FundingAppliedAt);
        writer.WriteInt64(row.LastFundingRatePpm);
        writer.WriteInt128(row.FundingClearing);
        writer.WriteInt64(row.FundingDust);
    }

    /// <inheritdoc/>
    public static MarketRow Decode(ref ByteReader key, ref ByteReader value)
    {
        uint marketId = key.ReadUInt32();
        string ticker = Encoding.ASCII.GetString(value.ReadBytes());
        int priceDecimals = value.ReadByte();
        int quantityDecimals = value.ReadByte();
        long tickLotValue = value.ReadInt64();
        var tiers = new MarginTier[value.ReadByte()];
        for (int i = 0; i < tiers.Length; i++)
        {
            tiers[i] = new MarginTier(value.ReadInt64(), value.ReadInt32(), value.ReadInt32());
        }

        // The initialisers run in the order of the encoding.
        var parameters = new MarketParameters
        {
            MarketId = marketId,
            Ticker = ticker,
            PriceDecimals = priceDecimals,
            QuantityDecimals = quantityDecimals,
            TickLotValue = tickLotValue,
            Tiers = ImmutableArray.Create(tiers),
            OpenInterestScaleLower = value.ReadInt64(),
            OpenInterestScaleUpper = value.ReadInt64(),
            MakerFeePpm = value.ReadInt32(),
            TakerFeePpm = value.ReadInt32(),
            PositionLimit = value.ReadInt64(),
            OpenInterestCap = value.ReadInt64(),
            PriceBandPpm = value.ReadInt32(),
            ImpactNotional = value.ReadInt64(),
            FundingCapPpm = value.ReadInt32(),
            LiquidationFeePpm = value.ReadInt32(),
            LiquidationWholeNotional = value.ReadInt64(),
            LiquidationSlicePpm = value.ReadInt32(),
        };
        return new MarketRow
        {
            Parameters = parameters,
            OpenInterest = value.ReadInt64(),
            LastPrice = value.ReadInt64(),
            LastFillTime = value.ReadInt64(),
            MarkPrice = value.ReadInt64(),
            BasisNumerator = value.ReadInt128(),
            BasisDenominator = value.ReadInt128(),
            BasisTime = value.ReadInt64(),
            FundingIndex = value.ReadInt128(),
            PremiumSum = value.ReadInt128(),
            PremiumTime = value.ReadInt64(),
            PremiumSampledAt = value.ReadInt64(),
            FundingAppliedAt = value.ReadInt64(),
            LastFundingRatePpm = value.ReadInt64(),
            FundingClearing = value.ReadInt128(),
            FundingDust = value.ReadInt64(),
        };
    }
}
