using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Hsm;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// Writes the home of each CometBFT node: configuration for one machine (loopback only, short time-outs), the shared
/// genesis, a node key, and the socket on which our signer dials in. Keys that are not set keep CometBFT's defaults.
/// </summary>
internal static class CometBftHomes
{
    /// <summary>Writes the homes.</summary>
    public static void Write(RunOptions options, NetworkFiles files, string genesis)
    {
        for (int i = 0; i < options.Validators; i++)
        {
            string signer = $"priv_validator_laddr = \"{files.PrivvalAddress(i)}\"";
            Write(files, genesis, i, Config(options, files, i, signer));
        }
    }

    /// <summary>Writes the home of a node that joins by state sync, trusting one header of the network.</summary>
    public static void WriteLate(RunOptions options, NetworkFiles files, string genesis, CommitAnswer trusted)
    {
        string hash = Convert.ToHexString(trusted.SignedHeader.Commit.BlockId.Hash.Span);
        string stateSync = string.Create(CultureInfo.InvariantCulture, $"""

            [statesync]
            enable = true
            rpc_servers = "{options.Ports.RpcAddress(0)},{options.Ports.RpcAddress(1)}"
            trust_height = {trusted.SignedHeader.Header.Height}
            trust_hash = "{hash}"
            trust_period = "168h0m0s"
            discovery_time = "5s"

            """);
        int number = options.Validators;
        Write(files, genesis, number, Config(options, files, number, "") + stateSync);
    }

    /// <summary>Home of a node's engine.</summary>
    public static string HomeOf(NetworkFiles files, int validator) => Path.Combine(files.HomeOf(validator), "cometbft");

    /// <summary>The consensus key that an engine without a signer has made for itself.</summary>
    public static byte[] KeyOf(NetworkFiles files, int number)
    {
        string file = Path.Combine(HomeOf(files, number), "config", "priv_validator_key.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        return document.RootElement.GetProperty("pub_key").GetProperty("value").GetBytesFromBase64();
    }

    private static void Write(NetworkFiles files, string genesis, int number, string toml)
    {
        string config = Path.Combine(HomeOf(files, number), "config");
        Directory.CreateDirectory(config);
        Directory.CreateDirectory(Path.Combine(HomeOf(files, number), "data"));
        File.WriteAllText(Path.Combine(config, "genesis.json"), genesis);
        File.WriteAllText(Path.Combine(config, "node_key.json"), NodeKey(files.Derive($"node:{number}")));
        File.WriteAllText(Path.Combine(config, "config.toml"), toml);
    }

    // The validators: a node that joins later dials them, and they take it. With faults the way to each peer leads
    // through a relay that can be closed.
    private static string Peers(RunOptions options, NetworkFiles files, int from)
    {
        var peers = new StringBuilder();
        for (int i = 0; i < options.Validators; i++)
        {
            byte[] key = SoftwareKey.FromSeed(files.Derive($"node:{i}")).PublicKey.ToByteArray();
            string id = Convert.ToHexStringLower(BlockHashes.Address(key).Span);
            bool isRelayed = options.HasRelays && i != from && from < options.Validators;
            int port = isRelayed ? options.Ports.Relay(from, i) : options.Ports.Peer(i);
            peers.Append(CultureInfo.InvariantCulture, $"{(i > 0 ? "," : "")}{id}@127.0.0.1:{port}");
        }

        return peers.ToString();
    }

    private static string NodeKey(byte[] seed)
    {
        byte[] secret = new byte[Sodium.SecretKeySize];
        Sodium.SecretKeyOf(seed, secret);
        string value = Convert.ToBase64String(secret);
        return "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"" + value + "\"}}";
    }

    private static string Config(RunOptions options, NetworkFiles files, int validator, string signer) =>
        string.Create(CultureInfo.InvariantCulture, $"""
        proxy_app = "{files.AbciAddress(validator)}"
        abci = "socket"
        moniker = "node{validator}"
        {signer}
        db_backend = "goleveldb"
        log_level = "info"
        genesis_file = "config/genesis.json"
        node_key_file = "config/node_key.json"
        priv_validator_key_file = "config/priv_validator_key.json"
        priv_validator_state_file = "data/priv_validator_state.json"

        [rpc]
        laddr = "tcp://127.0.0.1:{options.Ports.Rpc(validator)}"

        [p2p]
        laddr = "tcp://127.0.0.1:{options.Ports.Peer(validator)}"
        persistent_peers = "{Peers(options, files, validator)}"
        addr_book_strict = false
        allow_duplicate_ip = true
        pex = false
        flush_throttle_timeout = "10ms"
        send_rate = 51200000
        recv_rate = 51200000

        [mempool]
        type = "flood"
        size = 20000
        cache_size = 40000

        [consensus]
        timeout_propose = "1s"
        timeout_propose_delta = "500ms"
        timeout_prevote = "500ms"
        timeout_prevote_delta = "250ms"
        timeout_precommit = "500ms"
        timeout_precommit_delta = "250ms"
        timeout_commit = "{options.Pause}ms"
        peer_gossip_sleep_duration = "10ms"

        """);
}
