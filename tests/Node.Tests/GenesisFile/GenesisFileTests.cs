using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using AppChain.Hsm;
using AppChain.Margin;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>The application's part of a genesis document.</summary>
[TestFixture]
public sealed class GenesisFileTests
{
    private static readonly AccountId s_first = new(new Address(Enumerable.Repeat((byte)1, 20).ToArray()), 0);
    private static readonly AccountId s_second = new(new Address(Enumerable.Repeat((byte)1, 20).ToArray()), 7);

    private static GenesisState State => new(
        GenesisFile.DefaultMarkets,
        [new GenesisAccount(s_first, 5), new GenesisAccount(s_second, 6)],
        1_000_000,
        new GenesisVault(
            Council(1, 2, 3), new VaultTerms([new TimelockTier(0, 10), new TimelockTier(5, 60)], 100, 200, 600)),
        new GenesisTreasury(Council(4, 5), 100));

    private static CouncilTerms Council(params byte[] secrets) => new(
        [.. secrets.Select(secret => Secp256k1.PublicKeyOf([.. new byte[31], secret]).ToImmutableArray())], 2, 2, 30);

    // G6: a chain may have neither.
    [Test]
    public void Without_vault_and_treasury_both_are_closed()
    {
        JsonObject written = GenesisFile.Write(State with { Vault = null, Treasury = null });
        Assert.That(written.Select(field => field.Key), Is.EqualTo(new[] { "markets", "accounts", "insurance_fund" }));
        GenesisState read = GenesisFile.Parse(written.ToJsonString());
        Assert.That((read.Vault, read.Treasury), Is.EqualTo(((GenesisVault?)null, (GenesisTreasury?)null)));
    }

    // G1
    [Test]
    public void What_is_written_reads_back_whatever_the_white_space()
    {
        JsonObject written = GenesisFile.Write(State);
        GenesisState read = GenesisFile.Parse(written.ToJsonString());
        Assert.That(GenesisFile.Write(read).ToJsonString(), Is.EqualTo(written.ToJsonString()));
        Assert.That(read.Accounts, Is.EqualTo(State.Accounts));
        GenesisState indented = GenesisFile.Parse(written.ToJsonString(new() { WriteIndented = true }));
        Assert.That(GenesisFile.Write(indented).ToJsonString(), Is.EqualTo(written.ToJsonString()));
    }

    [Test]
    public void Default_markets_have_ten_cent_and_one_cent_ticks_of_whole_micro_dollars()
    {
        MarketParameters btc = GenesisFile.DefaultMarkets[0];
        MarketParameters eth = GenesisFile.DefaultMarkets[1];
        Assert.That(
            (btc.Ticker, btc.MarketId, btc.TickLotValue),
            Is.EqualTo(("BTC-PERP", 1u, 10L)),
            "0.1 USD times 0.0001 BTC");
        Assert.That(
            (eth.Ticker, eth.MarketId, eth.TickLotValue),
            Is.EqualTo(("ETH-PERP", 2u, 10L)),
            "0.01 USD times 0.001 ETH");
    }

    // G2, G3
    [TestCase("markets", null, "app_state.markets: missing")]
    [TestCase("markets", "[]", "app_state.markets: needs 1 to")]
    [TestCase("markets", "{}", "app_state.markets: expected a list")]
    [TestCase("markets[0]", "3", "app_state.markets[0]: expected an object")]
    [TestCase("markets[0].ticker", "\"btc\"", "app_state.markets[0].ticker: 1 to 16 characters")]
    [TestCase("markets[0].market", "0", "app_state.markets[0].market: '0' is not a whole number from 1 to 65535")]
    [TestCase("markets[0].price_decimals", "1.5", "app_state.markets[0].price_decimals: '1.5' is not a whole number")]
    [TestCase(
        "markets[0].quantity_decimals",
        "6",
        "app_state.markets[0].quantity_decimals: '6' is not a whole number from 0 to 5")]
    [TestCase(
        "markets[0].maker_fee_ppm", "-600", "app_state.markets[0]: maker_fee_ppm + taker_fee_ppm must not be negative")]
    [TestCase(
        "markets[0].open_interest_scale_upper", "1", "app_state.markets[0]: open_interest_scale_upper must be above")]
    [TestCase("markets[0].tiers", "[]", "app_state.markets[0].tiers: needs 1 to")]
    [TestCase("markets[0].tiers[0].notional_from", "1", "app_state.markets[0].tiers[0]: tiers start at 0 and ascend")]
    [TestCase(
        "markets[0].tiers[1].maintenance_ppm",
        "50001",
        "app_state.markets[0].tiers[1].maintenance_ppm: '50001' is not a whole number from 1 to 50000")]
    [TestCase("markets[1].market", "1", "app_state.markets[1]: markets must ascend by market")]
    [TestCase("accounts[0].account", "\"app1nonsense\"", "app_state.accounts[0].account: 'app1nonsense'")]
    [TestCase("accounts[0].collateral", "\"0\"", "app_state.accounts[0].collateral: '0' is not a whole number from 1")]
    [TestCase("accounts[0].note", "1", "app_state.accounts[0].note: unknown field")]
    [TestCase("insurance_fund", "\"-1\"", "app_state.insurance_fund: '-1' is not a whole number from 0")]
    [TestCase("vault", "7", "app_state.vault: expected an object")]
    [TestCase("vault.guardians.members[1]", "\"02\"", "app_state.vault.guardians.members[1]: '02' is no compressed")]
    [TestCase(
        "vault.guardians.threshold", "4", "app_state.vault.guardians: the threshold is 1 to the number of members")]
    [TestCase("vault.guardians.veto_threshold", "0", "app_state.vault.guardians.veto_threshold: '0' is not")]
    [TestCase("vault.tiers[0].amount_from", "\"1\"", "app_state.vault: a timelock has 1 to 8 tiers that start at 0")]
    [TestCase("vault.owner_cap", "\"201\"", "app_state.vault: caps are above zero")]
    [TestCase("vault.release_expiry_seconds", "9", "app_state.vault: guardians have 10 seconds to 24 hours to sign")]
    [TestCase("treasury.epoch_limit", "\"0\"", "app_state.treasury.epoch_limit: '0' is not")]
    [TestCase("treasury.treasurers.votes", "1", "app_state.treasury.treasurers.votes: unknown field")]
    [TestCase("surplus", "1", "app_state.surplus: unknown field")]
    public void A_mistake_names_its_path(string path, string? value, string message)
    {
        JsonObject state = GenesisFile.Write(State);
        Set(state, path, value is null ? null : JsonNode.Parse(value));
        var refusal = Assert.Throws<GenesisException>(() => GenesisFile.Parse(state.ToJsonString()));
        Assert.That(refusal!.Message, Does.StartWith(message));
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("[]")]
    [TestCase("null")]
    [TestCase("7")]
    [TestCase("{\"markets\":[],\"markets\":[]}")]
    public void What_is_no_object_of_the_shape_is_refused(string json) =>
        Assert.Throws<GenesisException>(() => GenesisFile.Parse(json));

    [Test]
    public void An_account_given_twice_is_refused()
    {
        JsonObject state = GenesisFile.Write(State with
        {
            Accounts = [new GenesisAccount(s_first, 5), new GenesisAccount(s_first, 6)],
        });
        Assert.That(
            Assert.Throws<GenesisException>(() => GenesisFile.Parse(state.ToJsonString()))!.Message,
            Does.Contain("is there twice"));
    }

    [Test]
    public void The_specification_names_every_field()
    {
        string directory = TestContext.CurrentContext.TestDirectory;
        while (!File.Exists(Path.Combine(directory, "AppChain.sln")))
        {
            directory = Path.GetDirectoryName(directory)!;
        }

        string document = File.ReadAllText(Path.Combine(directory, "docs", "spec", "genesis.md"));
        foreach (string field in FieldsOf(GenesisFile.Write(State)).Distinct())
        {
            Assert.That(document, Does.Contain($"| `{field}` |"), field);
        }
    }

    private static IEnumerable<string> FieldsOf(JsonNode? node) => node switch
    {
        JsonObject fields => fields.SelectMany(field => FieldsOf(field.Value).Prepend(field.Key)),
        JsonArray items => items.SelectMany(FieldsOf),
        _ => [],
    };

    // Replaces, adds or (null) removes the value at a path such as markets[0].tiers[1].initial_ppm.
    private static void Set(JsonNode root, string path, JsonNode? value)
    {
        string[] steps = path.Replace("[", ".[", StringComparison.Ordinal).Split('.');
        JsonNode at = root;
        foreach (string step in steps[..^1])
        {
            at = (step[0] == '[' ? at[int.Parse(step[1..^1])] : at[step])!;
        }

        string last = steps[^1];
        if (last[0] == '[')
        {
            at[int.Parse(last[1..^1])] = value;
        }
        else if (value is null)
        {
            at.AsObject().Remove(last);
        }
        else
        {
            at[last] = value;
        }
    }
}
