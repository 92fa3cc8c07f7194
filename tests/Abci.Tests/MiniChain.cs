using System;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Abci.Wire.Version;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Tests;

/// <summary>
/// A chain "localnet-1" of four validators with power 10 each, whose keys come from the seeds 01…01 to 04…04.
/// </summary>
internal static class MiniChain
{
    public const string ChainId = "localnet-1";

    private static readonly string[] PublicKeys =
    [
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394",
        "ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1",
        "ca93ac1705187071d67b83c7ff0efe8108e8ec4530575d7726879333dbdabe7c",
    ];

    /// <summary>The set, in the order of the addresses.</summary>
    public static Validator[] Validators()
    {
        Validator[] validators = new Validator[PublicKeys.Length];
        for (int i = 0; i < validators.Length; i++)
        {
            PublicKey key = new() { Ed25519 = ByteString.CopyFrom(Convert.FromHexString(PublicKeys[i])) };
            validators[i] = new Validator { Address = BlockHashes.Address(key), PubKey = key, VotingPower = 10 };
        }
        return validators;
    }

    /// <summary>Block 1 with one transaction.</summary>
    public static Block First() => Block(1, "2026-01-01T00:00:00Z", 0, new Commit(), new BlockID(),
        ByteString.CopyFrom(new byte[32]), BlockHashes.Results([]), ByteString.CopyFromUtf8("a=1"));

    /// <summary>Block 2, empty, after <paramref name="lastCommit"/>.</summary>
    public static Block Second(Commit lastCommit, ByteString appHash) => Block(2,
        WireTime.ToText(MedianTime.Of(lastCommit, Validators())), 1, lastCommit, lastCommit.BlockId, appHash,
        BlockHashes.Results([new Abci.Wire.ExecTxResult()]));

    /// <summary>A commit signature without its signature.</summary>
    public static CommitSig Signed(Validator validator, string time) => new()
    {
        BlockIdFlag = BlockIDFlag.Commit,
        ValidatorAddress = validator.Address,
        Timestamp = WireTime.Parse(time),
    };

    private static Block Block(long height, string time, int proposer, Commit lastCommit, BlockID lastId,
        ByteString appHash, ByteString lastResults, params ByteString[] txs)
    {
        Validator[] validators = Validators();
        Timestamp blockTime = WireTime.Parse(time);
        return new Block
        {
            Header = new Header
            {
                Version = new Consensus { Block = 11, App = 1 },
                ChainId = ChainId,
                Height = height,
                Time = blockTime,
                LastBlockId = lastId,
                LastCommitHash = BlockHashes.Commit(lastCommit),
                DataHash = BlockHashes.Data(txs),
                ValidatorsHash = BlockHashes.Validators(validators),
                NextValidatorsHash = BlockHashes.Validators(validators),
                ConsensusHash = BlockHashes.ConsensusParams(new ConsensusParams
                {
                    Block = new BlockParams { MaxBytes = 22020096, MaxGas = -1 },
                }),
                AppHash = appHash,
                LastResultsHash = lastResults,
                EvidenceHash = BlockHashes.Evidence([]),
                ProposerAddress = validators[proposer].Address,
            },
            Data = new Data { Txs = { txs } },
            LastCommit = lastCommit,
        };
    }
}
