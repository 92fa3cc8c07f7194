using System;
using System.Collections.Generic;
using System.IO;

namespace AppChain.Node;

/// <summary>What the supervisor must know of a CometBFT configuration: where the parts of a validator meet.</summary>
/// <param name="Application">proxy_app.</param>
/// <param name="Signer">priv_validator_laddr; empty when the key is in a file of CometBFT's.</param>
/// <param name="Rpc">laddr of the table rpc; empty when it serves none.</param>
/// <param name="MakesEmptyBlocks">Blocks follow one another whether there are transactions or not.</param>
public sealed record EngineSettings(string Application, string Signer, string Rpc, bool MakesEmptyBlocks)
{
    /// <summary>Reads <c>config/config.toml</c> of a home of CometBFT.</summary>
    /// <exception cref="ConfigException">It is not there.</exception>
    public static EngineSettings Read(string home)
    {
        string file = Path.Combine(home, "config", "config.toml");
        if (!File.Exists(file))
        {
            throw new ConfigException(
                $"{file} does not exist; create a home of CometBFT with: cometbft init --home {home}");
        }

        // One key to a line; a key in a table has the name of the table in front.
        var values = new Dictionary<string, string>();
        string table = "";
        foreach (string text in File.ReadLines(file))
        {
            string line = text.Split('#')[0].Trim();
            if (line.StartsWith('['))
            {
                table = line.Trim('[', ']') + ".";
                continue;
            }

            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                values[table + line[..equals].Trim()] = line[(equals + 1)..].Trim().Trim('"');
            }
        }

        return new EngineSettings(
            values.GetValueOrDefault("proxy_app", "tcp://127.0.0.1:26658"),
            values.GetValueOrDefault("priv_validator_laddr", ""),
            values.GetValueOrDefault("rpc.laddr", "tcp://127.0.0.1:26657"),
            values.GetValueOrDefault("consensus.create_empty_blocks", "true") == "true"
                && values.GetValueOrDefault("consensus.create_empty_blocks_interval", "0s") == "0s");
    }
}
