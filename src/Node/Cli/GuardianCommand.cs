using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary><c>guardian</c>: watches the chain, and signs releases that pass its own checks.</summary>
internal static class GuardianCommand
{
    public static Command Build(Shell shell)
    {
        var command = new Command(
            "guardian", "Watch withdrawals, check each against the policy, and sign their releases.");
        var key = new SigningOptions(command);
        var node = new NodeOption(command);
        var genesis = new Option<string?>("--genesis")
        {
            Description =
                "genesis of the chain: whose signatures are believed (default: genesis.json in the home directory)",
            HelpName = "FILE",
        };
        var validators = new Option<string?>("--validators")
        {
            Description = "the validators of today, where they are too far from those of the genesis",
            HelpName = "FILE",
        };
        var yes = new Option<bool>("--yes") { Description = "sign without asking what passes the checks" };
        var once = new Option<bool>("--once") { Description = "look once, and end" };
        var amountMax = new Option<string?>("--max-amount")
        {
            Description = "most USD that this guardian signs at once",
        };
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
        foreach (Option option in new Option[] { genesis, validators, yes, once, amountMax, dayMax, journal, seconds })
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancel) =>
        {
            string home = key.Keys.Home(parsed, shell);
            GenesisTrust trust = ReadGenesis(parsed.GetValue(genesis), home);
            var trusted = new TrustedValidators(
                trust.ChainId,
                parsed.GetValue(validators) is string file ? TrustedValidators.ReadFile(file) : trust.Validators);
            using RpcClient client = node.Connect(parsed, shell);
            using TransactionSigner signer = key.Open(parsed, shell)(trust.ChainId);
            var policy = new GuardianPolicy(
                Convert.ToHexStringLower(signer.PublicKey),
                Limit("max-amount", parsed.GetValue(amountMax)),
                Limit("max-per-day", parsed.GetValue(dayMax)));
            string path = parsed.GetValue(journal)
                ?? Path.Combine(home, $"guardian-{AccountText.Of(signer.Owner)}.jsonl");
            using var signed = new GuardianJournal(path, trust.ChainId, shell.Error.WriteLine);
            var watch = new GuardianWatch(
                client, trusted, trust.Markets, signer, policy, signed, shell,
                () => parsed.GetValue(yes) || Confirm(shell));
            await shell.Out.WriteLineAsync($"guardian {AccountText.Of(signer.Owner)} of {trust.ChainId}, by "
                + $"{client.Url}; believes {Count(trusted.Validators.Count)}").ConfigureAwait(false);
            return await RunAsync(
                watch, shell, parsed.GetValue(once), parsed.GetValue(seconds), cancel).ConfigureAwait(false);
        });
        return command;
    }

    private static string Count(int validators) =>
        string.Create(CultureInfo.InvariantCulture, $"{validators} validator{(validators == 1 ? "" : "s")}");

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
                    await shell.Out.WriteLineAsync(
                        signed == 0 ? "nothing was signed" : $"{signed} signed").ConfigureAwait(false);
                    return ExitCode.Ok;
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                // Ctrl-C. What was sent is in the journal, and a block takes it or not.
                return ExitCode.Ok;
            }
            catch (Exception error) when (!once
                && error is NodeUnreachableException or RpcException or QueryRefusedException or NotProvenException
                    or IOException)
            {
                // A node that lies is no reason to sign, nor to end: another may stand at the same address. A node that
                // restarts or a device that was unplugged comes back.
                if (trouble != error.Message)
                {
                    await shell.Error.WriteLineAsync($"{error.Message}; trying again").ConfigureAwait(false);
                }

                trouble = error.Message;
            }

            await Task.Delay(
                TimeSpan.FromSeconds(seconds), cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return ExitCode.Ok;
    }

    private static GenesisTrust ReadGenesis(string? file, string home)
    {
        string path = file ?? Path.Combine(home, "genesis.json");
        return File.Exists(path)
            ? GenesisTrust.Read(path)
            : throw new CommandException(
                $"there is no {path}: a guardian believes the validators of a genesis file that you have; give "
                + "--genesis FILE");
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
