using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using AppChain.Abci;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary>The three processes of a validator, found in its home directory.</summary>
public static class ValidatorParts
{
    /// <summary>Name of the signer's part.</summary>
    public const string Signer = "signer";

    /// <summary>Name of the application's part.</summary>
    public const string Application = "application";

    /// <summary>Name of the engine's part.</summary>
    public const string Engine = "cometbft";

    // The application's own exit code for a broken invariant or a store that could not write.
    private const int StoppedItself = 3;

    /// <summary>
    /// Signer (when <c>config/signer.conf</c> exists), application (<c>config/appchain.conf</c>) and CometBFT (home
    /// <c>cometbft</c>), in the order of their start: the engine ends when nobody signs for it within three seconds.
    /// </summary>
    /// <param name="home">Home directory of the validator.</param>
    /// <param name="cometBft">Binary of CometBFT.</param>
    /// <param name="program">Program and first arguments that run a verb of ours.</param>
    /// <exception cref="ConfigException">
    /// The configurations do not fit together; the message says what to write.
    /// </exception>
    public static IReadOnlyList<SupervisedPart> Of(string home, string cometBft, IReadOnlyList<string> program)
    {
        NodeConfig node = NodeConfig.Read(NodeCommands.ConfigPath(home));
        string engineHome = Path.Combine(home, "cometbft");
        EngineSettings engine = EngineSettings.Read(engineHome);
        string signerFile = Path.Combine(home, "config", "signer.conf");
        Require(
            Normal(engine.Application) == Normal(node.AbciAddress),
            $"cometbft/config/config.toml has proxy_app = \"{engine.Application}\", but config/appchain.conf has "
            + $"abci.address = {node.AbciAddress}; write the same address in both");
        bool hasSigner = File.Exists(signerFile);
        Require(
            !hasSigner || SignerConfig.Read(signerFile).Chains.Any(chain => chain.Engines.Contains(engine.Signer)),
            $"config/signer.conf signs for no engine at \"{engine.Signer}\", the priv_validator_laddr of "
            + "cometbft/config/config.toml; write the same address in both");
        Require(
            hasSigner || engine.Signer.Length == 0 || !IsUnix(engine.Signer),
            $"cometbft/config/config.toml waits for a signer of this machine at {engine.Signer}, but {signerFile} does "
            + "not exist");
        var parts = new List<SupervisedPart>();
        if (hasSigner)
        {
            parts.Add(new SupervisedPart(Ours(Signer, program, "signer", "--config", signerFile, "--until-eof"))
            {
                // Each further try of a wrong PIN may be the one that locks the device.
                FinalCode = ExitCode.PinRefused,
            });
        }

        parts.Add(new SupervisedPart(Ours(Application, program, "start", "--home", home, "--until-eof"))
        {
            IsReady = () => Answers(node.AbciAddress),
            FinalCode = StoppedItself,
        });
        parts.Add(EngineOf(cometBft, engineHome, engine));
        return parts;
    }

    /// <summary>The engine alone.</summary>
    /// <param name="cometBft">Binary of CometBFT.</param>
    /// <param name="home">Its home.</param>
    /// <param name="settings">Of that home.</param>
    public static SupervisedPart EngineOf(string cometBft, string home, EngineSettings settings)
    {
        var command = new ChildCommand(Engine, cometBft, ["start", "--home", home]);
        return new SupervisedPart(command)
        {
            Needs = Application,
            Prepare = () => RemoveSocket(settings.Signer),
            Progress = settings.Rpc.Length > 0 ? EngineProgress.Of(settings.Rpc, settings.MakesEmptyBlocks) : null,
            WaysOut = [.. EngineProgress.WaysOut.Select(variables => command with { Environment = variables })],
        };
    }

    private static ChildCommand Ours(string name, IReadOnlyList<string> program, params string[] arguments) =>
        new(name, program[0], [.. program.Skip(1), .. arguments]);

    private static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new ConfigException(problem);
        }
    }

    // Over gRPC CometBFT takes tcp addresses without their scheme.
    private static string Normal(string address) => SocketEndpoint.Parse(address).ToString();

    private static bool IsUnix(string address) => SocketEndpoint.Parse(address).UnixPath is not null;

    private static bool Answers(string address)
    {
        try
        {
            using Socket socket = SocketEndpoint.Parse(address).Connect(TimeSpan.Zero);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    // CometBFT does not remove the socket of an earlier run and would refuse to start.
    private static void RemoveSocket(string address)
    {
        if (address.Length > 0 && SocketEndpoint.Parse(address).UnixPath is { } path)
        {
            File.Delete(path);
        }
    }
}
