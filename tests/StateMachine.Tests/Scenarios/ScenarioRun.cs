using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>Runs a <see cref="Scenario"/> line by line on a chain, every row checked after each block.</summary>
internal sealed class ScenarioRun(Scenario scenario)
{
    private readonly List<(string Name, long Usd)> _accounts = [];
    private readonly SortedDictionary<uint, MarketParameters> _markets = new() { [1] = TestMarkets.Simple() };
    private long _insuranceUsd;
    private GenesisVault _vault = TestMarkets.OpenVault;
    private GenesisTreasury _treasury = new(TestMarkets.Council("tara", "tess", "tom"), 1_000_000_000);
    private bool _isClosed;
    private TestChain? _chain;
    private BlockResult? _last;

    /// <summary>Runs to the end; a line whose outcome differs fails the test and is named.</summary>
    public void Run()
    {
        foreach ((int number, string text) in scenario.Lines)
        {
            try
            {
                Line(text);
            }
            catch (Exception error) when (error is FormatException or InvalidOperationException or ArgumentException
                or IndexOutOfRangeException or OverflowException)
            {
                Assert.Fail($"{scenario.File}, line {number}: {text}\n  {error.Message}");
            }
            catch (ScenarioException error)
            {
                Assert.Fail($"{scenario.File}, line {number}: {text}\n  {error.Message}");
            }
        }
    }

    // Genesis is complete when the first line comes that is no set-up; its first block has no price.
    private TestChain Chain
    {
        get
        {
            if (_chain is null)
            {
                _chain = new TestChain(Genesis());
                _last = _chain.Step();
            }

            return _chain;
        }
    }

    private Genesis Genesis()
    {
        Genesis genesis = TestMarkets.Genesis(
            _accounts, [.. _markets.Values], _insuranceUsd, vault: _vault, treasury: _treasury);
        return !_isClosed ? genesis : new Genesis
        {
            ChainId = genesis.ChainId,
            InitialHeight = genesis.InitialHeight,
            Time = genesis.Time,
            Validators = genesis.Validators,
            Markets = genesis.Markets,
            Accounts = genesis.Accounts,
            InsuranceFund = genesis.InsuranceFund,
        };
    }

    private void Line(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (_chain is null && SetUp(words))
        {
            return;
        }

        int arrow = text.IndexOf("->", StringComparison.Ordinal);
        int equals = (text + " ").IndexOf(" = ", StringComparison.Ordinal);
        if (arrow >= 0)
        {
            Act(text[..arrow].Trim(), text[(arrow + 2)..].Trim());
        }
        else if (equals >= 0)
        {
            Compare(text[..equals].Trim(), text[(equals + 2)..].Trim());
        }
        else
        {
            MakeBlock(words);
        }
    }

    private bool SetUp(string[] words)
    {
        switch (words)
        {
            case ["market", string id, ..]:
                _markets[Number(id)] = MarketOf(words);
                return true;
            case ["fund", string usd]:
                _insuranceUsd = Whole(usd);
                return true;
            case ["guardians", "none"]:
                _isClosed = true;
                return true;
            case ["guardians", ..]:
                _vault = _vault with { Guardians = VaultWords.Council(words[1..], _vault.Guardians) };
                return true;
            case ["vault", ..]:
                _vault = _vault with { Terms = VaultWords.Terms(words[1..], _vault.Terms) };
                return true;
            case ["treasurers", .. string[] council, "spend", string usd]:
                _treasury = new GenesisTreasury(
                    VaultWords.Council(council, _treasury.Treasurers), OperationWords.Usd(usd));
                return true;
            case [string name, "has", string usd]:
                _accounts.Add((name, Whole(usd)));
                return true;
            default:
                return false;
        }
    }

    private static MarketParameters MarketOf(string[] words)
    {
        MarketParameters market = TestMarkets.Simple(Number(words[1]));
        for (int i = 2; i + 1 < words.Length; i += 2)
        {
            string value = words[i + 1];
            market = words[i] switch
            {
                "initial" => market with { Tiers = [market.Tiers[0] with { InitialPpm = Ppm(value) }] },
                "maintenance" => market with { Tiers = [market.Tiers[0] with { MaintenancePpm = Ppm(value) }] },
                "tier" => market with { Tiers = [.. market.Tiers, TierOf(value)] },
                "maker" => market with { MakerFeePpm = Ppm(value) },
                "taker" => market with { TakerFeePpm = Ppm(value) },
                "limit" => market with { PositionLimit = Whole(value) },
                "cap" => market with { OpenInterestCap = Whole(value) },
                "band" => market with { PriceBandPpm = Ppm(value) },
                "impact" => market with { ImpactNotional = Whole(value) * 1_000_000 },
                "scale" => market with
                {
                    OpenInterestScaleLower = Whole(value.Split("..")[0]) * 1_000_000,
                    OpenInterestScaleUpper = Whole(value.Split("..")[1]) * 1_000_000,
                },
                "whole" => market with { LiquidationWholeNotional = Whole(value) * 1_000_000 },
                "slice" => market with { LiquidationSlicePpm = Ppm(value) },
                "fee" => market with { LiquidationFeePpm = Ppm(value) },
                _ => throw new FormatException($"a market has no '{words[i]}'"),
            };
        }

        return market;
    }

    // 1000000:20%/10% is a tier from a notional on.
    private static MarginTier TierOf(string text)
    {
        string[] parts = text.Split(':', '/');
        return new MarginTier(Whole(parts[0]) * 1_000_000, Ppm(parts[1]), Ppm(parts[2]));
    }

    private void MakeBlock(string[] words)
    {
        switch (words)
        {
            case ["price", string market, string ticks]:
                Chain.Price(Number(market), ticks == "none" ? 0 : Whole(ticks));
                break;
            case ["price", string market, string ticks, "+-", string confidence]:
                Chain.Price(Number(market), Whole(ticks), Whole(confidence));
                break;
            case ["block"]:
                break;
            case ["pass", string count, string unit]:
                long seconds = Whole(count) * (unit switch
                {
                    "s" => 1,
                    "m" => 60,
                    "h" => 3_600,
                    "d" => 86_400,
                    _ => throw new FormatException($"a time is in s, m, h or d, not '{unit}'"),
                });
                Chain.BlockSeconds = seconds;
                _last = Chain.Step();
                Chain.BlockSeconds = 1;
                return;
            default:
                throw new FormatException("not understood");
        }

        _last = Chain.Step();
    }

    private void Act(string what, string expected)
    {
        const string together = "together:";
        TestChain chain = Chain;
        if (what.StartsWith(together, StringComparison.Ordinal))
        {
            foreach (string one in what[together.Length..].Split(';', StringSplitOptions.TrimEntries))
            {
                (string name, string rest) = Cut(one);
                Submit(name, false, [rest]);
            }

            _last = chain.Step();
            Same(expected, string.Join(' ', _last.Transactions.Select(result => result.Code)));
            return;
        }

        (string actor, string operations) = Cut(what);
        bool isBatch = operations.StartsWith("all:", StringComparison.Ordinal)
            || operations.StartsWith("each:", StringComparison.Ordinal);
        string[] texts = isBatch
            ? operations[(operations.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(
                ';', StringSplitOptions.TrimEntries)
            : [operations];
        Submit(actor, operations.StartsWith("all:", StringComparison.Ordinal), texts);
        _last = chain.Step();
        TransactionResult result = _last.Transactions[0];
        if (isBatch)
        {
            Same(expected, string.Join(' ', result.Operations.Select(operation => operation.Code)));
            return;
        }

        Outcome(result, expected.Split(' '));
    }

    private void Submit(string actor, bool allOrNothing, string[] operations)
    {
        AccountId account = OperationWords.Account(actor);
        ulong? nonce = null;
        long expiresIn = 10;
        for ((string word, string rest) = Cut(operations[0]);
            word is "nonce" or "expires";
            (word, rest) = Cut(operations[0]))
        {
            (string number, operations[0]) = Cut(rest);
            (nonce, expiresIn) = word == "nonce" ? ((ulong)Whole(number), expiresIn) : (nonce, Whole(number));
        }

        long height = Chain.Exchange.Height;
        Chain.Submit(new Transaction
        {
            Signer = account.Owner,
            Subaccount = account.Subaccount,
            Nonce = nonce ?? Chain.NextNonce(account.Owner),
            ExpiryHeight = height + 1 + expiresIn,
            AllOrNothing = allOrNothing,
            Operations = [.. operations.Select(operation => OperationWords.Read(operation, Chain))],
        });
    }

    private static void Outcome(TransactionResult result, string[] expected)
    {
        Same(expected[0], $"{result.Code}");
        for (int i = 1; i + 1 < expected.Length; i += 2)
        {
            string found = expected[i] switch
            {
                "filled" => Text(result.Operations[0].Filled),
                "order" => Text((long)result.Operations[0].OrderId),
                "needs" => Usd(result.Needed),
                "has" => Usd(result.Available),
                _ => throw new FormatException($"an outcome has no '{expected[i]}'"),
            };
            Same(expected[i + 1], found);
        }
    }

    private void Compare(string subject, string expected)
    {
        string[] words = subject.Split(' ');
        string found = words switch
        {
            ["book", string market] => Book(Number(market)),
            ["oracle", string market] => OracleText(Number(market)),
            ["mark", string market] => Text(Market(Number(market)).MarkPrice),
            ["interest", string market] => Text(Market(Number(market)).OpenInterest),
            ["fund"] => Usd(Pool().InsuranceFund),
            ["fees"] => Usd(Pool().Fees),
            ["leaving"] => Usd(Pool().Leaving),
            ["held"] => Usd(Pool().Held),
            ["withdrawal", string id] =>
                Chain.TryFind((ulong)Whole(id), out WithdrawalRow row) ? $"{row.State}" : "none",
            ["signatures", string id] => Chain.TryFind((ulong)Whole(id), out WithdrawalRow row)
                ? Text(row.Signatures.Length / WithdrawalRow.SignedSize)
                : "none",
            ["sequence", string id] =>
                Chain.TryFind((ulong)Whole(id), out WithdrawalRow row) ? $"{row.Sequence}" : "none",
            ["proposal", string id] => Chain.TryFind((ulong)Whole(id), out ProposalRow row) ? $"{row.State}" : "none",
            ["parameters"] => Chain.TryFind(default(SingleKey), out ConsensusParametersRow row)
                ? $"{row.Parameters.BlockBytes} age "
                    + $"{row.Parameters.EvidenceAgeBlocks}/{row.Parameters.EvidenceAgeSeconds}s evidence "
                    + $"{row.Parameters.EvidenceBytes}"
                : "none",
            ["update"] => _last!.ParameterUpdate is { } update ? Text(update.BlockBytes) : "none",
            ["version", string council] => $"{VaultWords.CouncilOf(council, Chain).Version}",
            ["members", string council] => Text(VaultWords.CouncilOf(council, Chain).Terms.Members.Length),
            ["outcome"] => string.Join(' ', _last!.Events.Where(e => e.Kind == EventKind.ProposalClosed)
                .Select(e => (ProposalState)e.Reason)),
            ["ended"] => string.Join(' ', _last!.Events.Where(e => e.Kind == EventKind.WithdrawalClosed)
                .Select(e => (WithdrawalState)e.Reason)),
            ["events"] => Counts(_last!.Events.Select(e => $"{e.Kind}")),
            ["closed"] => string.Join(' ', _last!.Events.Where(e => e.Kind == EventKind.OrderClosed)
                .Select(e => (CloseReason)e.Reason)),
            [string name, "position", string market] => Text(SizeOf(name, Number(market))),
            [string name, "collateral"] => Usd(AccountOf(name).Collateral),
            [string name, "exists"] => Found(name) ? "yes" : "no",
            [string name, "liquidating"] =>
                Chain.TryFind(AccountOf(name).Number, out LiquidationRow _) ? "yes" : "no",
            _ => throw new FormatException("not understood"),
        };
        Same(expected, found);
    }

    private string Counts(IEnumerable<string> kinds) => string.Join(' ', kinds
        .Where(kind => kind is not ("OracleUpdated" or "FundingSettled"))
        .GroupBy(kind => kind)
        .Select(group => group.Count() == 1 ? group.Key : $"{group.Key}*{group.Count()}"));

    private string Book(uint market)
    {
        var orders = new List<OrderRow>();
        foreach ((string key, byte[] value) in Chain.Rows)
        {
            byte[] bytes = Convert.FromHexString(key);
            if ((RowKind)bytes[0] == RowKind.Order)
            {
                var keyReader = new ByteReader(bytes.AsSpan(1));
                var valueReader = new ByteReader(value);
                orders.Add(OrderRow.Decode(ref keyReader, ref valueReader));
            }
        }

        string Side(Side side, int sign) => string.Join(' ', orders
            .Where(order => order.Market == market && order.Side == side)
            .OrderBy(order => sign * order.Price).ThenBy(order => order.OrderId)
            .Select(order => $"{Text(order.Quantity)}@{Text(order.Price)}"));
        return $"{Side(StateMachine.Side.Buy, -1)} | {Side(StateMachine.Side.Sell, 1)}".Trim();
    }

    private string OracleText(uint market) =>
        Chain.TryFind(market, out OracleRow oracle) ? $"{oracle.State} {Text(oracle.Price)}" : "None 0";

    private MarketRow Market(uint market) =>
        Chain.TryFind(market, out MarketRow row) ? row : throw new FormatException($"there is no market {market}");

    private PoolRow Pool() => Chain.TryFind(default(SingleKey), out PoolRow pool) ? pool : default;

    private long SizeOf(string name, uint market) =>
        Chain.TryFind(new PositionKey(AccountOf(name).Number, market), out PositionRow position) ? position.Size : 0;

    private AccountRow AccountOf(string name) => Chain.TryFind(OperationWords.Account(name), out AccountRow account)
        ? account
        : throw new FormatException($"there is no account {name}");

    private bool Found(string name) => Chain.TryFind(OperationWords.Account(name), out AccountRow _);

    private static void Same(string expected, string found)
    {
        string Plain(string text) => string.Join(' ', text.Replace("_", "", StringComparison.Ordinal)
            .Split(' ', StringSplitOptions.RemoveEmptyEntries));
        if (Plain(expected) != Plain(found))
        {
            throw new ScenarioException($"expected {expected}\n  found    {found}");
        }
    }

    private static (string First, string Remainder) Cut(string text)
    {
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return (text[..space], text[(space + 1)..].Trim());
    }

    private static string Usd(Int128 amount) =>
        ((decimal)amount / 1_000_000m).ToString("0.######", CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    private static long Whole(string text) =>
        long.Parse(
            text.Replace("_", "", StringComparison.Ordinal),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture);

    private static int Ppm(string percent) =>
        (int)(decimal.Parse(percent.TrimEnd('%'), CultureInfo.InvariantCulture) * 10_000m);
}

/// <summary>A line of a scenario had another outcome.</summary>
internal sealed class ScenarioException(string message) : Exception(message);
