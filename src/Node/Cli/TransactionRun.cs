using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// One run of a verb that sends a transaction: words to operations, sign, check, then show or send, and with --wait the
/// outcome.
/// </summary>
internal sealed class TransactionRun
{
    private const int NonceStepMax = 32;

    private readonly ParseResult _parsed;
    private readonly Shell _shell;
    private readonly TxOptions _options;
    private readonly bool _allOrNothing;
    private readonly CancellationToken _cancel;
    private readonly Printer _printer;

    public TransactionRun(
        ParseResult parsed, Shell shell, TxOptions options, bool allOrNothing, CancellationToken cancel)
    {
        _parsed = parsed;
        _shell = shell;
        _options = options;
        _allOrNothing = allOrNothing;
        _cancel = cancel;
        _printer = options.Output.Printer(parsed, shell);
    }

    /// <summary>Runs it; the result is the exit code.</summary>
    public async Task<int> ExecuteAsync(IReadOnlyList<IReadOnlyDictionary<string, string>> words)
    {
        Func<string, TransactionSigner> open = _options.Signing.Open(_parsed, _shell);
        using RpcClient node = _options.Node.Connect(_parsed, _shell);
        var markets = new MarketCatalog(node);
        TransactionBuilder builder = await ReadAsync(words, markets).ConfigureAwait(false);
        (string chainId, long expiryHeight) = await ChainAndExpiryAsync(node).ConfigureAwait(false);
        using TransactionSigner signer = open(chainId);
        ulong nonce = _parsed.GetValue(_options.Nonce)
            ?? await NextNonceAsync(node, signer.Owner).ConfigureAwait(false);
        byte[] bytes = builder.Sign(signer, nonce, expiryHeight);
        ResultCode code = new TransactionVerifier(chainId).Decode(bytes, out Transaction? transaction);
        if (transaction is null)
        {
            throw new CommandException(Explanations.Of(code));
        }

        return _parsed.GetValue(_options.DryRun)
            ? await ShowAsync(node, markets, bytes, transaction).ConfigureAwait(false)
            : await SendAsync(node, markets, bytes, transaction).ConfigureAwait(false);
    }

    private async Task<TransactionBuilder> ReadAsync(
        IReadOnlyList<IReadOnlyDictionary<string, string>> words, MarketCatalog markets)
    {
        var reader = new OperationReader(markets, text => _options.Keys.FindAccount(_parsed, _shell, text));
        var builder = new TransactionBuilder
        {
            Subaccount = _parsed.GetValue(_options.Subaccount),
            AllOrNothing = _allOrNothing,
        };
        if (_parsed.GetValue(_options.Owner) is string owner)
        {
            builder.Principal = _options.Keys.FindAccount(_parsed, _shell, owner).Owner;
        }

        if (words.Count is 0 or > Margin.Limits.OperationsPerTransactionMax)
        {
            throw new CommandException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Explanations.Of(ResultCode.OperationCount)}; there are {words.Count}"));
        }

        foreach (IReadOnlyDictionary<string, string> fields in words)
        {
            try
            {
                builder.Add(await reader.ReadAsync(fields).ConfigureAwait(false));
            }
            catch (FormatException cause) when (words.Count > 1)
            {
                throw new FormatException($"operation {builder.Count + 1}: {cause.Message}", cause);
            }
        }

        return builder;
    }

    private async Task<(string ChainId, long ExpiryHeight)> ChainAndExpiryAsync(RpcClient node)
    {
        string? chainId = _parsed.GetValue(_options.ChainId);
        long? expiryHeight = _parsed.GetValue(_options.ExpiryHeight);
        if (chainId is null || expiryHeight is null)
        {
            NodeStatus status = await node.StatusAsync(_cancel).ConfigureAwait(false);
            chainId ??= status.ChainId;
            expiryHeight ??= status.Height + _parsed.GetValue(_options.ExpiresIn);
        }

        return (chainId, expiryHeight.Value);
    }

    private async Task<ulong> NextNonceAsync(RpcClient node, Address owner)
    {
        V1.NonceResponse nonce = await node.NonceAsync(AccountText.Of(owner), _cancel).ConfigureAwait(false);
        if (nonce.Highest == ulong.MaxValue)
        {
            throw new CommandException("the highest nonce there is was used; choose a free one below it with --nonce");
        }

        // Two commands started together see the same highest nonce and must not choose the same one. What is left out
        // stays usable, and the step is far below the window of 256.
        ulong free = ulong.MaxValue - nonce.Highest;
        return nonce.Highest + Math.Min(free, (ulong)RandomNumberGenerator.GetInt32(1, NonceStepMax + 1));
    }

    private async Task<int> SendAsync(RpcClient node, MarketCatalog markets, byte[] bytes, Transaction transaction)
    {
        BroadcastResult check = await node.BroadcastSyncAsync(bytes, _cancel).ConfigureAwait(false);
        string hash = Convert.ToHexString(check.Hash.Span);
        if (check.Code != 0)
        {
            return Refuse(check, hash);
        }

        if (!_parsed.GetValue(_options.Wait))
        {
            if (_printer.IsJson)
            {
                _printer.Json(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("hash", hash);
                    TransactionReport.WriteCode(json, 0);
                    json.WriteEndObject();
                });
                return ExitCode.Ok;
            }

            _printer.Line($"sent {hash}");
            _printer.Line($"see what became of it with `appchain query tx {hash}`, or send with --wait");
            return ExitCode.Ok;
        }

        int seconds = _parsed.GetValue(_options.WaitSeconds);
        CommittedTransaction? committed = await node.WaitForTransactionAsync(
            check.Hash.Memory, TimeSpan.FromSeconds(seconds), _cancel).ConfigureAwait(false);
        if (committed is null)
        {
            throw new CommandException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"not in a block after {seconds} s; it may still come until height {transaction.ExpiryHeight}: "
                    + $"`appchain query tx {hash}`"),
                ExitCode.Refused);
        }

        IReadOnlyDictionary<uint, V1.Market> known = await markets.AllAsync(_cancel).ConfigureAwait(false);
        string? refusal = await new Refusal(node, known)
            .ExplainAsync(transaction, committed.Result, _cancel).ConfigureAwait(false);
        new TransactionReport(_printer, known).Print(committed, transaction.Operations, refusal);
        return committed.Result.Code == 0 ? ExitCode.Ok : ExitCode.Refused;
    }

    private int Refuse(BroadcastResult check, string hash)
    {
        string why = Explanations.Of(check.Code);
        if (_printer.IsJson)
        {
            _printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteString("hash", hash);
                TransactionReport.WriteCode(json, check.Code);
                json.WriteString("message", why);
                json.WriteEndObject();
            });
            return ExitCode.Refused;
        }

        throw new CommandException(why, ExitCode.Refused);
    }

    private async Task<int> ShowAsync(RpcClient node, MarketCatalog markets, byte[] bytes, Transaction transaction)
    {
        IReadOnlyDictionary<uint, V1.Market> known = new Dictionary<uint, V1.Market>();
        string estimate;
        try
        {
            known = await markets.AllAsync(_cancel).ConfigureAwait(false);
            estimate = await new Refusal(node, known).EstimateAsync(transaction, _cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is NodeUnreachableException or QueryRefusedException)
        {
            estimate = $"not estimated: {error.Message}";
        }

        string hex = Convert.ToHexStringLower(bytes);
        string hash = Convert.ToHexString(SHA256.HashData(bytes));
        if (_printer.IsJson)
        {
            _printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteString("transaction", hex);
                json.WriteNumber("bytes", bytes.Length);
                json.WriteString("hash", hash);
                json.WriteString("account", AccountText.Of(transaction.Account));
                json.WriteString("nonce", transaction.Nonce.ToString(CultureInfo.InvariantCulture));
                json.WriteString("expiry_height", transaction.ExpiryHeight.ToString(CultureInfo.InvariantCulture));
                json.WriteString("checks", "ok");
                json.WriteString("margin", estimate);
                json.WritePropertyName("content");
                json.WriteRawValue(JsonFormatter.Default.Format(Content(bytes)));
                json.WriteEndObject();
            });
            return ExitCode.Ok;
        }

        _printer.Pairs(
            ("transaction", hex),
            ("bytes", bytes.Length.ToString(CultureInfo.InvariantCulture)),
            ("hash", hash),
            ("account", AccountText.Of(transaction.Account)),
            ("nonce", transaction.Nonce.ToString(CultureInfo.InvariantCulture)),
            ("expires", string.Create(CultureInfo.InvariantCulture, $"after height {transaction.ExpiryHeight}")),
            ("checks", "ok: canonical encoding, signature"),
            ("margin", estimate));
        foreach (Operation operation in transaction.Operations)
        {
            _printer.Line($"  {OperationWords.Of(operation, known)}");
        }

        _printer.Line("not sent");
        return ExitCode.Ok;
    }

    private static V1.TransactionBody Content(byte[] bytes) =>
        V1.TransactionBody.Parser.Read(V1.SignedTransaction.Parser.Read(bytes).Body.Span);
}
