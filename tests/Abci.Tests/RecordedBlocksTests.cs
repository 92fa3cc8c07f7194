using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Every block of the recorded networks: what the node put into headers is recomputed from what it decided.
/// </summary>
internal sealed class RecordedBlocksTests
{
    [TestCaseSource(typeof(SharedData), nameof(SharedData.Scenarios))]
    public void Hashes_and_times_of_all_blocks_are_recomputed(string scenario)
    {
        RecordedChain chain = RecordedChain.Load(scenario);
        int checkedBlocks = 0;
        foreach (long height in chain.Blocks.Keys.Order())
        {
            Block block = chain.Blocks[height];
            Header header = block.Header;
            BlockID id = chain.Ids[height];

            Assert.That(BlockHashes.Header(header), Is.EqualTo(id.Hash), $"block hash at {height}");
            Assert.That(PartSet.Of(block).Header, Is.EqualTo(id.PartSetHeader), $"part set at {height}");
            Assert.That(BlockHashes.Data(block.Data.Txs), Is.EqualTo(header.DataHash), $"data at {height}");
            Assert.That(BlockHashes.Commit(block.LastCommit), Is.EqualTo(header.LastCommitHash), $"commit at {height}");
            Assert.That(BlockHashes.Evidence(block.Evidence.Evidence), Is.EqualTo(header.EvidenceHash));
            Assert.That(BlockHashes.Validators(chain.Validators[height]), Is.EqualTo(header.ValidatorsHash));
            Assert.That(BlockHashes.ConsensusParams(chain.Params[height]), Is.EqualTo(header.ConsensusHash));
            Assert.That(chain.Validators[height].Select(v => v.Address),
                Is.EqualTo(chain.Validators[height].Select(v => BlockHashes.Address(v.PubKey))));
            if (chain.Validators.TryGetValue(height + 1, out IReadOnlyList<Abci.Wire.Types.Validator>? next))
            {
                Assert.That(BlockHashes.Validators(next), Is.EqualTo(header.NextValidatorsHash), $"next at {height}");
            }
            CheckAgainstPrevious(chain, height, header, block);
            checkedBlocks++;
        }
        Assert.That(checkedBlocks, Is.GreaterThan(10));
        TestContext.Out.WriteLine($"{scenario}: {checkedBlocks} blocks");
    }

    [TestCaseSource(typeof(SharedData), nameof(SharedData.Scenarios))]
    public void Json_of_the_node_is_reproduced(string scenario)
    {
        foreach (JsonElement line in SharedData.Lines("7_cometbft_recordings", scenario, "rpc.jsonl.gz"))
        {
            JsonElement result = line.GetProperty("result");
            switch (line.GetProperty("method").GetString())
            {
                case "block":
                    JsonElement block = result.GetProperty("block");
                    Same(block, Json.Of(json => RpcJsonWriter.Block(json, RpcJsonReader.Block(block))));
                    JsonElement id = result.GetProperty("block_id");
                    Same(id, Json.Of(json => RpcJsonWriter.BlockId(json, RpcJsonReader.BlockId(id))));
                    break;
                case "commit":
                    JsonElement signed = result.GetProperty("signed_header");
                    SignedHeader read = RpcJsonReader.SignedHeader(signed);
                    Same(signed, Json.Of(json => RpcJsonWriter.SignedHeader(json, read.Header, read.Commit)));
                    break;
                case "validators":
                    int index = 0;
                    foreach (Abci.Wire.Types.Validator validator in RpcJsonReader.Validators(result))
                    {
                        Same(result.GetProperty("validators")[index++],
                            Json.Of(json => RpcJsonWriter.Validator(json, validator)));
                    }
                    Assert.That(index, Is.EqualTo(result.GetProperty("validators").GetArrayLength()));
                    break;
                case "block_results":
                    ResponseFinalizeBlock results = RpcJsonReader.BlockResults(result);
                    long height = RpcJsonReader.Int64(result, "height");
                    Same(result, Json.Of(json => RpcJsonWriter.BlockResults(json, height, results)));
                    break;
                case "consensus_params":
                    JsonElement parameters = result.GetProperty("consensus_params");
                    ConsensusParams decoded = RpcJsonReader.ConsensusParams(parameters);
                    Same(parameters, Json.Of(json => RpcJsonWriter.ConsensusParams(json, decoded)));
                    break;
            }
        }
    }

    private static void CheckAgainstPrevious(RecordedChain chain, long height, Header header, Block block)
    {
        if (!chain.Blocks.TryGetValue(height - 1, out Block? previous))
        {
            Assert.That(WireTime.ToText(header.Time), Is.EqualTo(chain.GenesisTime),
                "the first block has genesis time");
            return;
        }
        Assert.That(header.LastBlockId, Is.EqualTo(chain.Ids[height - 1]));
        Assert.That(MedianTime.Of(block.LastCommit, chain.Validators[height - 1]), Is.EqualTo(header.Time));
        Assert.That(BlockHashes.Results(chain.Results[height - 1].TxResults), Is.EqualTo(header.LastResultsHash));
        Assert.That(chain.Results[height - 1].AppHash, Is.EqualTo(header.AppHash));
        Assert.That(WireTime.Compare(header.Time, previous.Header.Time), Is.GreaterThan(0));
    }

    private static void Same(JsonElement expected, JsonElement actual) =>
        Assert.That(Json.Equal(expected, actual), Is.True, () => $"expected {expected}\nbut was {actual}");
}
