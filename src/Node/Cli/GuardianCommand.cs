using System;
using System.CommandLine;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary><c>guardian</c>: watches the chain, and signs releases that pass its own checks.</summary>
internal static class GuardianCommand
{
    public static Command Build(Shell shell)
    {
        var command = new Command("guardian", "Watch withdrawals, check each against the policy, and sign their releases.");
        var key = new SigningOptions(command);
        var node = new NodeOption(command);
        var chainId = new Option<string?>("--chain-id") { Description = "the chain to sign for (default: what the node says)" };
        var yes = new Option<bool>("--yes") { Description = "sign without asking what passes the checks" };
        var once = new Option<bool>("--once") { Description = "look once, and end" };
        var amountMax = new Option<string?>("--max-amount") { Description = "most USD that this guardian signs at once" };
        var dayMax = new Option<string?>("--max-per-day") { Description = "most USD that this guardian signs in 24 h" };
        var journal = new Option<string?>("--journal")
        {
            Description = "file of what it has signed (default: guardian-ADDRESS.jsonl in the home directory)",
            HelpName = "FILE",
        };
        var seconds = new Option<double>("--interval")
        {
            Description = "seconds between two looks",
            DefaultValueFactory = _ => 2,
        };
        foreach (Option option in new Option[] { chainId, yes, once, amountMax, dayMax, journal, seconds })
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancel) =>
        {
            Func<string, TransactionSigner> open = key.Open(parsed, shell);
            using RpcClient client = node.Connect(parsed, shell);
            string chain = parsed.GetValue(chainId) ?? (await client.StatusAsync(cancel).ConfigureAwait(false)).ChainId;
            using TransactionSigner signer = open(chain);
            var policy = new GuardianPolicy(
                Convert.ToHexStringLower(signer.PublicKey),
                Limit("max-amount", parsed.GetValue(amountMax)),
                Limit("max-per-day", parsed.GetValue(dayMax)));
            string path = parsed.GetValue(journal)
                ?? Path.Combine(key.Keys.Home(parsed, shell), $"guardian-{AccountText.Of(signer.Owner)}.jsonl");
            var watch = new GuardianWatch(
                client, signer, policy, new GuardianJournal(path, chain), shell, () => parsed.GetValue(yes) || Confirm(shell));
            await shell.Out.WriteLineAsync($"guardian {AccountText.Of(signer.Owner)} of {chain}, by {client.Url}").ConfigureAwait(false);
            return await RunAsync(watch, shell, parsed.GetValue(once), parsed.GetValue(seconds), cancel).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        GuardianWatch watch, Shell shell, bool once, double seconds, CancellationToken cancel)
    {
        string trouble = "";
        // BOUND: until it is cancelled, with a pause between two looks.
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                int signed = await watch.LookAsync(cancel).ConfigureAwait(false);
                trouble = "";
                if (once)
                {
                    await shell.Out.WriteLineAsync(signed == 0 ? "nothing was signed" : $"{signed} signed").ConfigureAwait(false);
                    return ExitCode.Ok;
                }
            }
            catch (Exception error) when (!once
                && error is NodeUnreachableException or RpcException or QueryRefusedException or IOException)
            {
                // A node that restarts or a device that was unplugged comes back.
                if (trouble != error.Message)
                {
                    await shell.Error.WriteLineAsync($"{error.Message}; trying again").ConfigureAwait(false);
                }

                trouble = error.Message;
            }

            await Task.Delay(TimeSpan.FromSeconds(seconds), cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return ExitCode.Ok;
    }

    private static bool Confirm(Shell shell)
    {
        shell.Out.Write("  sign? y or n: ");
        shell.Out.Flush();
        return shell.In.ReadLine()?.Trim() is "y" or "yes";
    }

    private static long? Limit(string name, string? text) => text is null
        ? null
        : DecimalText.Parse(name, text, DecimalText.AmountDecimals, "micro-USD", Margin.Limits.AmountMax);
}
