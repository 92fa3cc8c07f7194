using System;
using System.Collections.Generic;
using System.Globalization;
using AppChain.Margin;

namespace AppChain.StateMachine.Tests;

/// <summary>Reads an operation in the words of <see cref="Scenario"/>.</summary>
internal static class OperationWords
{
    public static Operation Read(string text, TestChain chain)
    {
        long height = chain.Exchange.Height;
        long time = chain.Exchange.Time;
        var words = new Queue<string>(text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        string verb = words.Dequeue();
        Operation operation = verb switch
        {
            "buy" or "sell" => Order(verb, words, height, time),
            "replace" => Replace(words, height, time),
            "cancel" => Target(new Operation { Kind = OperationKind.CancelOrder }, words),
            "cancel-all" => Ops.CancelAll(uint.Parse(words.Dequeue(), CultureInfo.InvariantCulture)),
            "send" => Send(words),
            _ => VaultWords.Read(verb, words, chain) ?? throw new FormatException($"no operation is called '{verb}'"),
        };
        return words.Count == 0 ? operation : throw new FormatException($"'{words.Peek()}' is not understood");
    }

    /// <summary>USD with up to six decimals, in micro-USD.</summary>
    public static long Usd(string text) =>
        (long)(decimal.Parse(
            text.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1_000_000m);

    /// <summary>NAME or NAME/SUB.</summary>
    public static AccountId Account(string text)
    {
        string[] parts = text.Split('/');
        uint subaccount = parts.Length > 1 ? uint.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        return new AccountId(TestMarkets.AddressOf(parts[0]), subaccount);
    }

    private static Operation Order(string side, Queue<string> words, long height, long time)
    {
        string[] size = words.Dequeue().Split('@');
        var operation = new Operation
        {
            Kind = OperationKind.PlaceOrder,
            Side = side == "buy" ? Side.Buy : Side.Sell,
            Quantity = Whole(size[0]),
            Price = Whole(size[1]),
            Market = 1,
        };
        while (words.TryDequeue(out string? word))
        {
            switch (word)
            {
                case "on":
                    operation.Market = (uint)Whole(words.Dequeue());
                    break;
                case "gtc":
                    break;
                case "ioc":
                    operation.TimeInForce = TimeInForce.ImmediateOrCancel;
                    break;
                case "fok":
                    operation.TimeInForce = TimeInForce.FillOrKill;
                    break;
                case "post":
                    operation.TimeInForce = TimeInForce.PostOnly;
                    break;
                case "market":
                    operation.IsMarket = true;
                    break;
                case "reduce":
                    operation.ReduceOnly = true;
                    break;
                case "id":
                    operation.ClientId = (ulong)Whole(words.Dequeue());
                    break;
                case "until":
                    string until = words.Dequeue();
                    if (until == "height")
                    {
                        operation.GoodTilHeight = height + Whole(words.Dequeue());
                    }
                    else
                    {
                        operation.GoodTilTime = time + (Whole(until.TrimEnd('s')) * TestMarkets.Second);
                    }

                    break;
                case "stp":
                    operation.SelfTrade = Enum.Parse<SelfTrade>(
                        words.Peek() == "decrement" ? "Decrement" : "Cancel" + words.Peek(), ignoreCase: true);
                    words.Dequeue();
                    break;
                default:
                    throw new FormatException($"'{word}' is not understood");
            }
        }

        return operation;
    }

    private static Operation Replace(Queue<string> words, long height, long time)
    {
        Operation target = Target(default, words);
        Operation operation = Order(words.Dequeue(), words, height, time);
        operation.Kind = OperationKind.ReplaceOrder;
        operation.TargetOrderId = target.TargetOrderId;
        operation.TargetClientId = target.TargetClientId;
        return operation;
    }

    private static Operation Target(Operation operation, Queue<string> words)
    {
        string word = words.Dequeue();
        if (word == "id")
        {
            operation.TargetClientId = (ulong)Whole(words.Dequeue());
        }
        else
        {
            operation.TargetOrderId = (ulong)Whole(word);
        }

        return operation;
    }

    private static Operation Send(Queue<string> words)
    {
        long amount = Usd(words.Dequeue());
        _ = words.Dequeue();
        return new Operation { Kind = OperationKind.Transfer, Amount = amount, Recipient = Account(words.Dequeue()) };
    }

    private static long Whole(string text) =>
        long.Parse(
            text.Replace("_", "", StringComparison.Ordinal),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture);
}
