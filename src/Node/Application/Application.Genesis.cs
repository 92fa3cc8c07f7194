using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Margin;
using AppChain.StateMachine;
using Google.Protobuf;
using Validator = AppChain.StateMachine.Validator;

namespace AppChain.Node;

public sealed partial class Application
{
    /// <inheritdoc/>
    /// <remarks>
    /// Persists nothing: after a crash before the first Commit it is called again. The genesis rows become durable
    /// together with the first block.
    /// </remarks>
    public ResponseInitChain InitChain(RequestInitChain request)
    {
        lock (_consensus)
        {
            Exchange exchange = FirstState(request);
            byte[] appHash = exchange.AppHash;
            IReadOnlyList<RowChange> rows = exchange.Commit();
            Adopt(exchange);
            _genesis = ChangeRecord.Of(exchange.Height, appHash, rows, exchange.Committed);
            _model.Clear();
            _model.Apply(rows, [], exchange.Height, exchange.Time, appHash);
            _feed?.Bind(_model.MarketParameters());
            _log.Info($"genesis of {request.ChainId}: {rows.Count} rows, app hash {Convert.ToHexString(appHash)}");
            return new ResponseInitChain { AppHash = ByteString.CopyFrom(appHash) };
        }
    }

    private static Exchange FirstState(RequestInitChain request)
    {
        bool isExport = ExportedState.TryParse(
            request.AppStateBytes.Memory, out List<KeyValuePair<byte[], byte[]>>? rows);
        GenesisState state = isExport
            ? new GenesisState([], [], 0)
            : GenesisFile.Parse(request.AppStateBytes.ToStringUtf8());
        var genesis = new Genesis
        {
            ChainId = request.ChainId,
            InitialHeight = Math.Max(1, request.InitialHeight),
            Time = WireTime.ToNanoseconds(request.Time),
            Validators = ValidatorsOf(request.Validators),
            Markets = state.Markets,
            Accounts = state.Accounts,
            InsuranceFund = state.InsuranceFund,
            Vault = state.Vault,
            Treasury = state.Treasury,
            ConsensusParameters = EngineParameters.Read(request.ConsensusParams),
        };
        return FirstState(rows, genesis);
    }

    /// <summary>The first state of a new chain, or of one that goes on from rows.</summary>
    /// <exception cref="GenesisException">The rows are not those of a chain at the height before.</exception>
    internal static Exchange FirstState(List<KeyValuePair<byte[], byte[]>>? rows, Genesis genesis)
    {
        try
        {
            return rows is not null ? Exchange.FromRows(rows, genesis) : Exchange.FromGenesis(genesis);
        }
        catch (Exception wrong) when (rows is not null && wrong is not OutOfMemoryException)
        {
            // Whatever stops foreign rows from becoming a chain says the same of them.
            throw new GenesisException(
                "app_state.rows: not the rows of a chain at the height before initial_height and up to genesis_time, "
                + $"or of another release than {NodeVersion.Text}; export again");
        }
    }

    private static ImmutableArray<Validator> ValidatorsOf(IEnumerable<Abci.Wire.ValidatorUpdate> updates)
    {
        var validators = new List<Validator>();
        foreach (Abci.Wire.ValidatorUpdate update in updates)
        {
            if (update.PubKey.SumCase != Abci.Wire.Crypto.PublicKey.SumOneofCase.Ed25519)
            {
                throw new InvalidOperationException(
                    "the genesis names a validator whose key is not Ed25519; this chain has no other kind");
            }

            validators.Add(Validator.Of([.. update.PubKey.Ed25519.Span], update.Power));
        }

        validators.Sort();
        return [.. validators];
    }
}
