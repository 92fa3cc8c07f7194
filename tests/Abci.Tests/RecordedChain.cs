using System.Collections.Generic;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;

namespace AppChain.Tests;

/// <summary>What a recorded network decided, by height.</summary>
internal sealed class RecordedChain
{
    public string ChainId { get; private set; } = "";

    public string GenesisTime { get; private set; } = "";

    public Dictionary<long, Block> Blocks { get; } = [];

    public Dictionary<long, BlockID> Ids { get; } = [];

    public Dictionary<long, Commit> Commits { get; } = [];

    public Dictionary<long, IReadOnlyList<Abci.Wire.Types.Validator>> Validators { get; } = [];

    public Dictionary<long, ConsensusParams> Params { get; } = [];

    public Dictionary<long, ResponseFinalizeBlock> Results { get; } = [];

    public static RecordedChain Load(string scenario)
    {
        RecordedChain chain = new();
        foreach (JsonElement line in SharedData.Lines("7_cometbft_recordings", scenario, "rpc.jsonl.gz"))
        {
            JsonElement result = line.GetProperty("result");
            long height = RpcJsonReader.Int64(line.GetProperty("params"), "height");
            switch (line.GetProperty("method").GetString())
            {
                case "genesis":
                    JsonElement genesis = result.GetProperty("genesis");
                    chain.ChainId = RpcJsonReader.Text(genesis, "chain_id");
                    chain.GenesisTime = RpcJsonReader.Text(genesis, "genesis_time");
                    break;
                case "block":
                    chain.Blocks.Add(height, RpcJsonReader.Block(result.GetProperty("block")));
                    chain.Ids.Add(height, RpcJsonReader.BlockId(result.GetProperty("block_id")));
                    break;
                case "commit":
                    chain.Commits.Add(height, RpcJsonReader.SignedHeader(result.GetProperty("signed_header")).Commit);
                    break;
                case "validators":
                    chain.Validators.Add(height, RpcJsonReader.Validators(result));
                    break;
                case "consensus_params":
                    chain.Params.Add(height, RpcJsonReader.ConsensusParams(result.GetProperty("consensus_params")));
                    break;
                case "block_results":
                    chain.Results.Add(height, RpcJsonReader.BlockResults(result));
                    break;
            }
        }
        return chain;
    }
}
