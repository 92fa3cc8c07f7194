using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine.Tests;

/// <summary>Markets, accounts and genesis documents that tests share.</summary>
internal static class TestMarkets
{
    public const long Second = 1_000_000_000;
    public const long GenesisTime = 1_760_000_000L * Second;

    /// <summary>One tick and one lot are worth one USD, so table tests can be read without a calculator.</summary>
    public static MarketParameters Simple(
        uint id = 1, int makerFee = 0, int takerFee = 0, int initial = 100_000, int maintenance = 50_000) => new()
    {
        MarketId = id,
        Ticker = id == 1 ? "BTC-PERP" : id == 2 ? "ETH-PERP" : "M" + id + "-PERP",
        PriceDecimals = 0,
        QuantityDecimals = 0,
        TickLotValue = 1_000_000,
        Tiers = [new MarginTier(0, initial, maintenance)],
        OpenInterestScaleLower = 0,
        OpenInterestScaleUpper = 0,
        MakerFeePpm = makerFee,
        TakerFeePpm = takerFee,
        PositionLimit = 1_000_000,
        OpenInterestCap = 10_000_000,
        PriceBandPpm = 500_000,
        ImpactNotional = 10_000_000_000,
        FundingCapPpm = 5_000,
        LiquidationFeePpm = 10_000,
        LiquidationWholeNotional = 1_000_000_000_000_000,
        LiquidationSlicePpm = 250_000,
    };

    public static Address AddressOf(string name) => TransactionCodec.AddressOf(KeyOf(name).AsSpan());

    /// <summary>Stands for a public key; the state machine looks at nothing but its form.</summary>
    public static ImmutableArray<byte> KeyOf(string name) =>
        [2, .. System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name))];

    /// <summary>A council of names, two thirds of whom agree, and veto, without a timelock.</summary>
    public static CouncilTerms Council(params string[] names) => new(
        [.. System.Linq.Enumerable.Select(names, KeyOf)], (names.Length * 2 / 3), (names.Length * 2 / 3), 0);

    /// <summary>
    /// A vault of three guardians that stands in nobody's way: no timelock, no cap that could be reached.
    /// </summary>
    public static GenesisVault OpenVault { get; } = new(
        Council("gina", "greta", "gus"),
        new VaultTerms([new TimelockTier(0, 0)], Limits.AmountMax, Limits.AmountMax, 3_600));

    public static Validator ValidatorOf(int number, long power = 10)
    {
        byte[] key = System.Security.Cryptography.SHA256.HashData([(byte)number, (byte)'v']);
        byte[] hash = System.Security.Cryptography.SHA256.HashData(key);
        return new Validator(new Address(hash.AsSpan(0, Address.Size)), [.. key], power);
    }

    public static Genesis Genesis(
        IReadOnlyList<(string Name, long Usd)> accounts,
        ImmutableArray<MarketParameters> markets,
        long insuranceUsd = 0,
        int validators = 4,
        GenesisVault? vault = null,
        GenesisTreasury? treasury = null)
    {
        var sorted = new List<GenesisAccount>();
        foreach ((string name, long usd) in accounts)
        {
            sorted.Add(new GenesisAccount(new AccountId(AddressOf(name), 0), usd * 1_000_000));
        }

        sorted.Sort((left, right) => left.Account.CompareTo(right.Account));
        var set = new List<Validator>();
        for (int i = 0; i < validators; i++)
        {
            set.Add(ValidatorOf(i));
        }

        set.Sort((left, right) => left.Address.CompareTo(right.Address));
        return new Genesis
        {
            ChainId = "test-1",
            InitialHeight = 1,
            Time = GenesisTime,
            Validators = [.. set],
            Markets = markets,
            Accounts = [.. sorted],
            InsuranceFund = insuranceUsd * 1_000_000,
            Vault = vault ?? OpenVault,
            Treasury = treasury ?? new GenesisTreasury(Council("tara", "tess", "tom"), 1_000_000_000),
        };
    }
}
