using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Shows what became of a transaction in its block, operation by operation.</summary>
internal sealed class TransactionReport(Printer printer, IReadOnlyDictionary<uint, V1.Market> markets)
{
    private const string EventPrefix = "appchain.v1.";

    /// <summary>The outcomes that the chain put into the result; empty when it is no answer of this chain.</summary>
    public static V1.TransactionResult OutcomeOf(ExecTxResult result)
    {
        try
        {
            return V1.TransactionResult.Parser.Read(result.Data.Span);
        }
        catch (MalformedMessageException)
        {
            return new V1.TransactionResult();
        }
    }

    /// <summary>Prints the outcome.</summary>
    /// <param name="committed">The transaction in its block.</param>
    /// <param name="operations">Its operations; empty when its bytes are none of a transaction.</param>
    /// <param name="refusal">Why it or its first refused operation was refused; null when nothing was.</param>
    public void Print(CommittedTransaction committed, IReadOnlyList<Operation> operations, string? refusal)
    {
        V1.TransactionResult outcome = OutcomeOf(committed.Result);
        if (printer.IsJson)
        {
            printer.Json(json => Write(json, committed, operations, outcome, refusal));
            return;
        }

        printer.Pairs(
            ("transaction", Convert.ToHexString(committed.Hash.Span)),
            ("height", committed.Height.ToString(CultureInfo.InvariantCulture)),
            ("code", Name(committed.Result.Code)));
        bool isRefusalShown = refusal is null;
        string[] numbers = Numbers(operations, outcome, committed.Result.Events);
        for (int i = 0; i < operations.Count; i++)
        {
            V1.OperationResult? result = i < outcome.Operations.Count ? outcome.Operations[i] : null;
            string line = result is { Code: 0 }
                ? numbers[i].Length > 0 ? $"{NumberName(operations[i].Kind)} {numbers[i]}"
                    : Done(operations[i], result, committed.Result.Events)
                : NotDone(result, refusal, ref isRefusalShown);
            printer.Line($"  {OperationWords.Of(operations[i], markets)}: {line}");
        }

        if (!isRefusalShown)
        {
            printer.Line($"refused: {refusal}");
        }
    }

    /// <summary>Name and number of a result code.</summary>
    public static string Name(uint code) => Enum.IsDefined((ResultCode)code)
        ? string.Create(CultureInfo.InvariantCulture, $"{(ResultCode)code} ({code})")
        : code.ToString(CultureInfo.InvariantCulture);

    private static string NumberName(OperationKind kind) => kind == OperationKind.Withdraw ? "withdrawal" : "proposal";

    // Withdrawals and proposals get their numbers in the block, where each emits one event in the order of the
    // operations.
    private static string[] Numbers(
        IReadOnlyList<Operation> operations, V1.TransactionResult outcome, IEnumerable<Event> events)
    {
        var withdrawals = new Queue<string>();
        var proposals = new Queue<string>();
        foreach (Event one in events)
        {
            if (one.Type == EventPrefix + "WithdrawalRequested")
            {
                withdrawals.Enqueue(Text(one, "withdrawal_id"));
            }
            else if (one.Type == EventPrefix + "ProposalOpened")
            {
                proposals.Enqueue(Text(one, "proposal_id"));
            }
        }

        var numbers = new string[operations.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            Queue<string>? from = operations[i].Kind switch
            {
                OperationKind.Withdraw => withdrawals,
                OperationKind.Propose => proposals,
                _ => null,
            };
            bool isDone = i < outcome.Operations.Count && outcome.Operations[i].Code == 0;
            numbers[i] = isDone && from is not null && from.TryDequeue(out string? number) ? number : "";
        }

        return numbers;
    }

    private static string NotDone(V1.OperationResult? result, string? refusal, ref bool isRefusalShown)
    {
        if (result is null)
        {
            return "not executed";
        }

        // The first refused operation gets the full story; for the others the code says enough.
        if (!isRefusalShown && result.Code != (uint)ResultCode.RolledBack)
        {
            isRefusalShown = true;
            return $"refused: {refusal}";
        }

        return $"refused: {Explanations.Of(result.Code)}";
    }

    private string Done(in Operation operation, V1.OperationResult result, IEnumerable<Event> events)
    {
        if (result.OrderId == 0)
        {
            return "done";
        }

        string id = result.OrderId.ToString(CultureInfo.InvariantCulture);
        string text = $"order {id}";
        if (!markets.TryGetValue(operation.Market, out V1.Market? market))
        {
            return text;
        }

        Int128 value = 0;
        Int128 fee = 0;
        string rest = "";
        foreach (Event one in events)
        {
            string kind =
                one.Type.StartsWith(EventPrefix, StringComparison.Ordinal) ? one.Type[EventPrefix.Length..] : "";
            if (kind == "Fill" && Text(one, "taker_order_id") == id)
            {
                value += Number(one, "price") * Number(one, "quantity");
                fee += Number(one, "taker_fee");
            }
            else if (kind == "OrderOpened" && Text(one, "order_id") == id)
            {
                rest = $", {market.FormatQuantity(Number(one, "quantity"))} rests";
            }
            else if (kind == "OrderClosed" && Text(one, "order_id") == id && Number(one, "quantity") > 0)
            {
                rest = $", {market.FormatQuantity(Number(one, "quantity"))} cancelled ({Text(one, "reason")})";
            }
        }

        if (result.Filled == 0)
        {
            return text + rest;
        }

        // ROUNDING: to the nearest hundredth of a tick, for display.
        Int128 average = ((value * 100) + (result.Filled / 2)) / result.Filled;
        string price = DecimalText.Grouped(DecimalText.Format(average, (int)market.PriceDecimals + 2));
        string sum = value == 0 ? "" : $" at {price} on average, fee {DecimalText.FormatAmount(fee)}";
        return $"{text}, filled {market.FormatQuantity(result.Filled)}{sum}{rest}";
    }

    private static void Write(
        Utf8JsonWriter json,
        CommittedTransaction committed,
        IReadOnlyList<Operation> operations,
        V1.TransactionResult outcome,
        string? refusal)
    {
        json.WriteStartObject();
        json.WriteString("hash", Convert.ToHexString(committed.Hash.Span));
        json.WriteString("height", committed.Height.ToString(CultureInfo.InvariantCulture));
        WriteCode(json, committed.Result.Code);
        if (refusal is not null)
        {
            json.WriteString("message", refusal);
        }

        json.WriteStartArray("operations");
        string[] numbers = Numbers(operations, outcome, committed.Result.Events);
        for (int i = 0; i < outcome.Operations.Count; i++)
        {
            V1.OperationResult result = outcome.Operations[i];
            json.WriteStartObject();
            if (i < operations.Count)
            {
                json.WriteString("op", OperationWords.Kind(operations[i].Kind));
            }

            if (i < numbers.Length && numbers[i].Length > 0)
            {
                json.WriteString(NumberName(operations[i].Kind) + "_id", numbers[i]);
            }

            WriteCode(json, result.Code);
            json.WriteString("order_id", result.OrderId.ToString(CultureInfo.InvariantCulture));
            json.WriteString("filled", result.Filled.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("needed", outcome.Needed);
        json.WriteString("available", outcome.Available);
        json.WriteStartArray("events");
        foreach (Event one in committed.Result.Events)
        {
            json.WriteStartObject();
            json.WriteString("type", one.Type);
            foreach (EventAttribute attribute in one.Attributes)
            {
                json.WriteString(attribute.Key, attribute.Value);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Writes a result code as number and name.</summary>
    public static void WriteCode(Utf8JsonWriter json, uint code)
    {
        json.WriteNumber("code", code);
        json.WriteString("name", ((ResultCode)code).ToString());
    }

    private static string Text(Event one, string name)
    {
        foreach (EventAttribute attribute in one.Attributes)
        {
            if (attribute.Key == name)
            {
                return attribute.Value;
            }
        }

        return "";
    }

    private static Int128 Number(Event one, string name) =>
        Int128.TryParse(Text(one, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out Int128 number)
            ? number
            : 0;
}
