using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary><c>query proof</c>: a row of the state with everything that <c>verify-proof</c> needs.</summary>
internal static class ProofQuery
{
    private const string Rows =
        "chain | pool | market M | oracle M | account A | nonce A | position A M | order N | raw KEY-IN-HEX";

    public static Command Build(Shell shell, NodeOption node, OutputOption output, KeyOptions keys)
    {
        var row = new Argument<string[]>("row") { Description = Rows, Arity = ArgumentArity.OneOrMore };
        var height = new Option<long>("--height")
        {
            Description = "state after this block (default: the newest provable)",
        };
        var file = new Option<string?>("--out") { Description = "write the proof to this file", HelpName = "FILE" };
        var command = new Command("proof", "Prove a row of the state against signed headers.") { row, height, file };
        command.SetAction(async (parsed, cancel) =>
        {
            using RpcClient client = node.Connect(parsed, shell);
            var rows = new RowKeys(client, text => keys.FindAccount(parsed, shell, text), cancel);
            StateProofBundle bundle = await FetchAsync(
                client, rows, parsed.GetValue(row)!, parsed.GetValue(height), cancel).ConfigureAwait(false);
            Print(output.Printer(parsed, shell), shell, bundle, parsed.GetValue(file));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<StateProofBundle> FetchAsync(
        RpcClient client, RowKeys rows, string[] words, long height, CancellationToken cancel)
    {
        if (height == 0)
        {
            // The state after a block is signed for in the header of the next one.
            height = (await client.StatusAsync(cancel).ConfigureAwait(false)).Height - 1;
        }

        if (height < 1)
        {
            throw new CommandException(
                "the chain has no block yet whose state is proven by the next; try again in a moment");
        }

        byte[] key = await rows.KeyAsync(words, height).ConfigureAwait(false);
        V1.ProofResponse answer = await client.ProofAsync(key, height, cancel).ConfigureAwait(false);
        CommitAnswer commit = await client.CommitAsync(height + 1, cancel).ConfigureAwait(false);
        var bundle = new StateProofBundle
        {
            Height = height,
            Key = key,
            Value = answer.Exists ? answer.Value.ToByteArray() : null,
            Proof = answer.Proof.ToByteArray(),
            Header = commit.SignedHeader.Header,
            Commit = commit.SignedHeader.Commit,
            Validators = await client.ValidatorsAsync(height + 1, cancel).ConfigureAwait(false),
        };
        string? fault = bundle.Fault(bundle.Header.ValidatorsHash.Span);
        return fault is null
            ? bundle
            : throw new CommandException($"the node gave a proof that does not hold: {fault}", ExitCode.Refused);
    }

    private static void Print(Printer printer, Shell shell, StateProofBundle bundle, string? file)
    {
        if (file is not null)
        {
            File.WriteAllText(file, bundle.ToJson() + "\n");
        }

        if (printer.IsJson)
        {
            if (file is null)
            {
                shell.Out.WriteLine(bundle.ToJson());
            }

            return;
        }

        printer.Line($"{RowText.Kind(bundle.Key)} row in the state after height {Number(bundle.Height)}: "
            + (bundle.Value is null ? "not there" : "there"));
        if (bundle.Value is not null)
        {
            printer.Pairs(RowText.Of(bundle.Key, bundle.Value));
        }

        printer.Line(file is null
            ? "for verify-proof, write it to a file with --out FILE"
            : $"wrote {file}; check it anywhere with `appchain verify-proof {file} --validators-hash "
                + $"{Convert.ToHexString(bundle.Header.ValidatorsHash.Span)}`, if that hash is the one you trust");
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Keys of rows from words.</summary>
    private sealed class RowKeys(RpcClient client, Func<string, AccountId> findAccount, CancellationToken cancel)
    {
        public async Task<byte[]> KeyAsync(string[] words, long height)
        {
            switch (words)
            {
                case ["chain"]:
                    return RowChange.KeyOf<SingleKey, ChainRow>(default);
                case ["pool"]:
                    return RowChange.KeyOf<SingleKey, PoolRow>(default);
                case ["market", string market]:
                    return RowChange.KeyOf<uint, MarketRow>(await MarketAsync(market).ConfigureAwait(false));
                case ["oracle", string market]:
                    return RowChange.KeyOf<uint, OracleRow>(await MarketAsync(market).ConfigureAwait(false));
                case ["account", string account]:
                    return RowChange.KeyOf<AccountId, AccountRow>(findAccount(account));
                case ["nonce", string owner]:
                    return RowChange.KeyOf<Address, NonceRow>(findAccount(owner).Owner);
                case ["position", string account, string market]:
                    int number = await AccountNumberAsync(findAccount(account), height).ConfigureAwait(false);
                    uint its = await MarketAsync(market).ConfigureAwait(false);
                    return RowChange.KeyOf<PositionKey, PositionRow>(new PositionKey(number, its));
                case ["order", string order] when ulong.TryParse(
                    order, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id):
                    return RowChange.KeyOf<ulong, OrderRow>(id);
                case ["raw", string hex] when hex.Length % 2 == 0
                    && System.Linq.Enumerable.All(hex, char.IsAsciiHexDigit):
                    return Convert.FromHexString(hex);
                default:
                    throw new CommandException($"'{string.Join(' ', words)}' names no row; rows are: {Rows}");
            }
        }

        private async Task<uint> MarketAsync(string name) =>
            (await new MarketCatalog(client).FindAsync(name, cancel).ConfigureAwait(false)).Market_;

        // Positions are keyed by the number of the account, which its row holds.
        private async Task<int> AccountNumberAsync(AccountId account, long height)
        {
            byte[] key = RowChange.KeyOf<AccountId, AccountRow>(account);
            V1.ProofResponse answer = await client.ProofAsync(key, height, cancel).ConfigureAwait(false);
            if (!answer.Exists)
            {
                throw new CommandException(
                    $"the account {AccountText.Of(account)} did not exist at height {Number(height)}",
                    ExitCode.Refused);
            }

            return Decode(key, answer.Value.ToByteArray()).Number;
        }

        private static AccountRow Decode(byte[] key, byte[] value)
        {
            var keyReader = new ByteReader(key.AsSpan(1));
            var valueReader = new ByteReader(value);
            return AccountRow.Decode(ref keyReader, ref valueReader);
        }
    }
}
