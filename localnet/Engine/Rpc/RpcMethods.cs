using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>The validator that an RPC server speaks for.</summary>
/// <param name="Genesis">Genesis of the chain.</param>
/// <param name="Moniker">Name of the validator.</param>
/// <param name="Peers">Number of the other validators.</param>
/// <param name="Node">The validator.</param>
/// <param name="Application">Its application.</param>
/// <param name="Events">Its applied blocks.</param>
public sealed record RpcSource(Genesis Genesis, string Moniker, int Peers, ValidatorNode Node, IApplication Application,
    ChainEvents Events);

/// <summary>
/// The methods of CometBFT's JSON-RPC that clients of the chain use, with the same parameters, answers and errors.
/// Transactions have a file of their own.
/// </summary>
public sealed partial class RpcMethods
{
    private const int DefaultPage = 30;
    private const int MaximumPage = 100;

    private readonly RpcSource _source;
    private readonly Func<Uri> _url;
    private readonly Dictionary<string,
        (string[] Names, Func<RpcParameters, Task<Action<Utf8JsonWriter>>> Call)> _methods;

    /// <summary>Creates the table of methods of a server that will listen on <paramref name="url"/>.</summary>
    public RpcMethods(RpcSource source, Func<Uri> url)
    {
        _source = source;
        _url = url;
        _methods = new()
        {
            ["health"] = ([], At(_ => json => WriteObject(json, () => { }))),
            ["status"] = ([], At(_ => Status())),
            ["net_info"] = ([], At(_ => NetInfo)),
            ["genesis"] = ([], At(_ => GenesisContent)),
            ["block"] = (["height"], At(Block)),
            ["block_by_hash"] = (["hash"], At(BlockByHash)),
            ["block_results"] = (["height"], At(BlockResults)),
            ["header"] = (["height"], At(Header)),
            ["commit"] = (["height"], At(Commit)),
            ["validators"] = (["height", "page", "per_page"], At(Validators)),
            ["consensus_params"] = (["height"], At(ConsensusParameters)),
            ["abci_info"] = ([], At(_ => AbciInfo())),
            ["abci_query"] = (["path", "data", "height", "prove"], At(AbciQuery)),
            ["broadcast_tx_async"] = (["tx"], BroadcastAsync),
            ["broadcast_tx_sync"] = (["tx"], BroadcastSync),
            ["broadcast_tx_commit"] = (["tx"], BroadcastCommit),
            ["check_tx"] = (["tx"], CheckTx),
            ["tx"] = (["hash", "prove"], At(Transaction)),
            ["unconfirmed_txs"] = (["limit"], At(Unconfirmed)),
            ["num_unconfirmed_txs"] = ([], At(_ => json => WriteUnconfirmed(json, null))),
        };
    }

    /// <summary>Names of all methods.</summary>
    public IEnumerable<string> Names => _methods.Keys;

    /// <summary>Names of a method's parameters in order.</summary>
    /// <exception cref="RpcError">There is no such method.</exception>
    public IReadOnlyList<string> ParametersOf(string method) => Find(method).Names;

    /// <summary>Runs a method; the result writes the answer.</summary>
    /// <exception cref="RpcError">The method, a parameter or the execution is at fault.</exception>
    public async Task<Action<Utf8JsonWriter>> Call(string method, RpcParameters parameters)
    {
        try
        {
            return await Find(method).Call(parameters).ConfigureAwait(false);
        }
        catch (Exception error) when (error is AbciException or MempoolRefusal)
        {
            throw RpcError.Failed(error.Message);
        }
    }

    private BlockStore Store => _source.Node.Store;

    private (string[] Names, Func<RpcParameters, Task<Action<Utf8JsonWriter>>> Call) Find(string method) =>
        _methods.TryGetValue(method, out var found) ? found : throw new RpcError(-32601, "Method not found", method);

    private static Func<RpcParameters, Task<Action<Utf8JsonWriter>>> At(
        Func<RpcParameters, Action<Utf8JsonWriter>> call) => parameters => Task.FromResult(call(parameters));

    private Action<Utf8JsonWriter> Status()
    {
        ChainState state = _source.Node.State;
        SealedBlock? latest = state.LastHeight == 0 ? null : Store.LoadBlock(state.LastHeight);
        SealedBlock? earliest = Store.Base == 0 ? null : Store.LoadBlock(Store.Base);
        ByteString address = _source.Node.Address;
        int index = state.Validators.IndexOf(address);
        return json => WriteObject(json, () =>
        {
            json.WriteStartObject("node_info");
            json.WriteStartObject("protocol_version");
            json.WriteString("p2p", "8");
            json.WriteString("block", Text((long)BlockRules.BlockProtocol));
            json.WriteString("app", Text((long)state.AppVersion));
            json.WriteEndObject();
            json.WriteString("id", Convert.ToHexStringLower(address.Span));
            json.WriteString("listen_addr", "");
            json.WriteString("network", state.ChainId);
            json.WriteString("version", Handshake.EngineVersion);
            json.WriteString("channels", "");
            json.WriteString("moniker", _source.Moniker);
            json.WriteStartObject("other");
            json.WriteString("tx_index", "on");
            json.WriteString("rpc_address", $"tcp://{_url().Host}:{_url().Port}");
            json.WriteEndObject();
            json.WriteEndObject();

            json.WriteStartObject("sync_info");
            WriteBlockFacts(json, "latest", latest);
            WriteBlockFacts(json, "earliest", earliest);
            json.WriteBoolean("catching_up", _source.Node.Consensus is null);
            json.WriteEndObject();

            json.WriteStartObject("validator_info");
            json.WriteString("address", RpcJsonWriter.Hex(address));
            json.WritePropertyName("pub_key");
            RpcJsonWriter.PublicKey(json, new PublicKey { Ed25519 = _source.Node.PublicKey });
            json.WriteString("voting_power", Text(index < 0 ? 0 : state.Validators.Members[index].Power));
            json.WriteEndObject();
        });
    }

    private static void WriteBlockFacts(Utf8JsonWriter json, string prefix, SealedBlock? block)
    {
        Header? header = block?.Block.Header;
        json.WriteString(prefix + "_block_hash", block is null ? "" : RpcJsonWriter.Hex(block.Id.Hash));
        json.WriteString(prefix + "_app_hash", header is null ? "" : RpcJsonWriter.Hex(header.AppHash));
        json.WriteString(prefix + "_block_height", Text(block?.Height ?? 0));
        json.WriteString(prefix + "_block_time", WireTime.ToText(header?.Time ?? WireTime.Zero));
    }

    private void NetInfo(Utf8JsonWriter json) => WriteObject(json, () =>
    {
        json.WriteBoolean("listening", true);
        json.WriteStartArray("listeners");
        json.WriteEndArray();
        json.WriteString("n_peers", Text(_source.Peers));
        json.WriteStartArray("peers");
        json.WriteEndArray();
    });

    private void GenesisContent(Utf8JsonWriter json) => WriteObject(json, () =>
    {
        json.WritePropertyName("genesis");
        json.WriteRawValue(_source.Genesis.Json);
    });

    private Action<Utf8JsonWriter> Block(RpcParameters parameters) => WriteBlock(BlockAt(HeightOf(parameters)));

    private Action<Utf8JsonWriter> BlockByHash(RpcParameters parameters)
    {
        ByteString hash = parameters.Bytes("hash");
        for (long height = _source.Node.State.LastHeight; height >= Store.Base && height > 0; height--)
        {
            if (Store.LoadBlock(height) is { } block && block.Id.Hash == hash) return WriteBlock(block);
        }
        return json => WriteObject(json, () =>
        {
            json.WritePropertyName("block_id");
            RpcJsonWriter.BlockId(json, new BlockID());
            json.WriteNull("block");
        });
    }

    private static Action<Utf8JsonWriter> WriteBlock(SealedBlock block) => json => WriteObject(json, () =>
    {
        json.WritePropertyName("block_id");
        RpcJsonWriter.BlockId(json, block.Id);
        json.WritePropertyName("block");
        RpcJsonWriter.Block(json, block.Block);
    });

    private Action<Utf8JsonWriter> BlockResults(RpcParameters parameters)
    {
        long height = HeightOf(parameters);
        ResponseFinalizeBlock results = Store.LoadResponse(height)
            ?? throw RpcError.Failed($"could not find results for height #{height}");
        return json => RpcJsonWriter.BlockResults(json, height, results);
    }

    private Action<Utf8JsonWriter> Header(RpcParameters parameters)
    {
        SealedBlock block = BlockAt(HeightOf(parameters));
        return json => WriteObject(json, () =>
        {
            json.WritePropertyName("header");
            RpcJsonWriter.Header(json, block.Block.Header);
        });
    }

    private Action<Utf8JsonWriter> Commit(RpcParameters parameters)
    {
        long height = HeightOf(parameters);
        SealedBlock block = BlockAt(height);
        (Commit commit, bool canonical) = Store.LoadCommit(height)
            ?? throw RpcError.Failed($"could not find a commit for height {height}");
        return json => WriteObject(json, () =>
        {
            json.WritePropertyName("signed_header");
            RpcJsonWriter.SignedHeader(json, block.Block.Header, commit);
            json.WriteBoolean("canonical", canonical);
        });
    }

    private Action<Utf8JsonWriter> Validators(RpcParameters parameters)
    {
        long height = HeightOf(parameters, ahead: 1);
        ValidatorSet set = StateBefore(height).Validators;
        (int skip, int take) = Page(parameters, set.Count);
        return json => WriteObject(json, () =>
        {
            json.WriteString("block_height", Text(height));
            json.WriteStartArray("validators");
            foreach (var member in set.ToWire().Skip(skip).Take(take)) RpcJsonWriter.Validator(json, member);
            json.WriteEndArray();
            json.WriteString("count", Text(Math.Min(take, set.Count - skip)));
            json.WriteString("total", Text(set.Count));
        });
    }

    private Action<Utf8JsonWriter> ConsensusParameters(RpcParameters parameters)
    {
        long height = HeightOf(parameters, ahead: 1);
        ConsensusParams current = StateBefore(height).Parameters;
        return json => WriteObject(json, () =>
        {
            json.WriteString("block_height", Text(height));
            json.WritePropertyName("consensus_params");
            RpcJsonWriter.ConsensusParams(json, current);
        });
    }

    private Action<Utf8JsonWriter> AbciInfo()
    {
        ResponseInfo info = _source.Application.Info(Handshake.InfoRequest());
        return json => WriteObject(json, () =>
        {
            json.WriteStartObject("response");
            if (info.Data.Length > 0) json.WriteString("data", info.Data);
            if (info.Version.Length > 0) json.WriteString("version", info.Version);
            if (info.AppVersion > 0) json.WriteString("app_version", Text((long)info.AppVersion));
            if (info.LastBlockHeight > 0) json.WriteString("last_block_height", Text(info.LastBlockHeight));
            if (!info.LastBlockAppHash.IsEmpty)
                json.WriteBase64String("last_block_app_hash", info.LastBlockAppHash.Span);
            json.WriteEndObject();
        });
    }

    private Action<Utf8JsonWriter> AbciQuery(RpcParameters parameters)
    {
        ResponseQuery answer = _source.Application.Query(new RequestQuery
        {
            Path = parameters.Text("path"),
            Data = parameters.Hex("data"),
            Height = parameters.Integer("height") ?? 0,
            Prove = parameters.Flag("prove"),
        });
        return json => WriteObject(json, () =>
        {
            json.WriteStartObject("response");
            json.WriteNumber("code", answer.Code);
            json.WriteString("log", answer.Log);
            json.WriteString("info", answer.Info);
            json.WriteString("index", Text(answer.Index));
            RpcJsonWriter.Bytes(json, "key", answer.Key);
            RpcJsonWriter.Bytes(json, "value", answer.Value);
            WriteProof(json, answer.ProofOps);
            json.WriteString("height", Text(answer.Height));
            json.WriteString("codespace", answer.Codespace);
            json.WriteEndObject();
        });
    }

    private static void WriteProof(Utf8JsonWriter json, ProofOps? proof)
    {
        if (proof is null)
        {
            json.WriteNull("proofOps");
            return;
        }
        json.WriteStartObject("proofOps");
        json.WriteStartArray("ops");
        foreach (ProofOp step in proof.Ops)
        {
            json.WriteStartObject();
            json.WriteString("type", step.Type);
            RpcJsonWriter.Bytes(json, "key", step.Key);
            RpcJsonWriter.Bytes(json, "data", step.Data);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The height asked for, the latest if none is named.</summary>
    private long HeightOf(RpcParameters parameters, int ahead = 0)
    {
        long latest = _source.Node.State.LastHeight;
        long height = parameters.Integer("height") ?? latest + ahead;
        if (height <= 0) throw RpcError.Failed($"height must be greater than 0, but got {height}");
        if (height > latest + ahead)
        {
            throw RpcError.Failed(
                $"height {height} must be less than or equal to the current blockchain height {latest + ahead}");
        }
        if (height < Store.Base)
            throw RpcError.Failed($"height {height} is not available, lowest height is {Store.Base}");
        return height;
    }

    private SealedBlock BlockAt(long height) =>
        Store.LoadBlock(height) ?? throw RpcError.Failed($"block {height} is not available");

    private ChainState StateBefore(long height) =>
        Store.LoadStateBefore(height) ?? throw RpcError.Failed($"no state for height {height}");

    private static (int Skip, int Take) Page(RpcParameters parameters, int count)
    {
        long size = parameters.Integer("per_page") ?? DefaultPage;
        if (size < 1) size = DefaultPage;
        size = Math.Min(size, MaximumPage);
        long pages = Math.Max(1, (count + size - 1) / size);
        long page = parameters.Integer("page") ?? 1;
        if (page < 1 || page > pages) throw RpcError.Failed($"page should be within [1, {pages}] range, given {page}");
        return ((int)((page - 1) * size), (int)size);
    }

    private static void WriteObject(Utf8JsonWriter json, Action content)
    {
        json.WriteStartObject();
        content();
        json.WriteEndObject();
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
