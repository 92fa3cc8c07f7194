using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The front door of the state machine: a chain's state, and the one function that moves it by a block. One thread at
/// a time; no IO, no clock. <see cref="Execute"/> changes the state in place and leaves the block open: it is then
/// either committed or rolled back.
/// </summary>
public sealed class Exchange
{
    private readonly State _state = new();
    private readonly BlockExecution _blocks;
    private readonly StateTree _tree;
    private Savepoint _start;
    private List<RowChange> _changes = [];

    private Exchange(StateTree tree)
    {
        _tree = tree;
        _blocks = new BlockExecution(_state);
    }

    /// <summary>
    /// The first state of a chain, open like an executed block: <see cref="Commit"/> makes it final at the height
    /// before the initial one.
    /// </summary>
    public static Exchange FromGenesis(Genesis genesis)
    {
        var exchange = new Exchange(new StateTree());
        exchange.Open();
        exchange.Write(genesis);
        exchange._blocks.Rebuild();
        exchange.Hash();
        return exchange;
    }

    /// <summary>
    /// A new chain that goes on from all rows of another, open like <see cref="FromGenesis(Genesis)"/>: balances,
    /// positions, orders and nonces stay; the chain's id, first height and validators are those given.
    /// </summary>
    /// <param name="rows">Ascending by key.</param>
    /// <param name="genesis">Its markets and accounts are not used.</param>
    /// <exception cref="InvariantException">
    /// The rows are not those of a chain, or their height does not come before.
    /// </exception>
    public static Exchange FromRows(IReadOnlyList<KeyValuePair<byte[], byte[]>> rows, Genesis genesis)
    {
        var exchange = new Exchange(new StateTree());
        exchange._state.Load(rows);
        exchange.Open();
        Invariant.Assert(exchange.Height == genesis.InitialHeight - 1 && exchange.Time <= genesis.Time);
        ref ChainRow chain = ref exchange._state.Chain.Write(0);
        if (chain.ChainId != genesis.ChainId)
        {
            Releases.ForgetSignatures(exchange._state);
        }

        chain.ChainId = genesis.ChainId;
        chain.InitialHeight = genesis.InitialHeight;
        chain.Time = genesis.Time;
        foreach (int slot in exchange._state.ValidatorSets.SlotsInKeyOrder(Comparer<long>.Default))
        {
            exchange._state.ValidatorSets.Remove(slot);
        }

        exchange._state.ValidatorSets.Add(new ValidatorSetRow
        {
            FromHeight = genesis.InitialHeight,
            Validators = genesis.Validators,
        });
        exchange.WriteParameters(genesis);
        exchange._blocks.Rebuild();

        // To the tree and to the disk every row is new.
        var all = new SortedDictionary<byte[], byte[]>(Comparer<byte[]>.Create(
            static (left, right) => left.AsSpan().SequenceCompareTo(right)));
        foreach (KeyValuePair<byte[], byte[]> row in rows)
        {
            all.Add(row.Key, row.Value);
        }

        foreach (RowChange change in exchange._state.CollectChanges())
        {
            all.Remove(change.Key);
            if (change.Value is not null)
            {
                all.Add(change.Key, change.Value);
            }
        }

        foreach (KeyValuePair<byte[], byte[]> row in all)
        {
            exchange._changes.Add(new RowChange(row.Key, row.Value, false));
        }

        exchange.AppHash = exchange._tree.Apply(exchange.Height, exchange._changes);
        return exchange;
    }

    /// <summary>
    /// The state that committed rows stand for, ascending by key, with a tree whose newest version is made of the same
    /// rows.
    /// </summary>
    public static Exchange Load(IEnumerable<KeyValuePair<byte[], byte[]>> rows, StateTree tree)
    {
        var exchange = new Exchange(tree);
        exchange._state.Load(rows);
        exchange._blocks.Rebuild();
        Invariant.Assert(tree.Version == exchange.Height);
        bool found = tree.TryGetRoot(tree.Version, out byte[]? root);
        Invariant.Assert(found && root is not null);
        exchange.AppHash = root;
        return exchange;
    }

    /// <summary>Chain id.</summary>
    public string ChainId => _state.Chain.Read(0).ChainId;

    /// <summary>Height of the first block.</summary>
    public long InitialHeight => _state.Chain.Read(0).InitialHeight;

    /// <summary>Height of the last executed block, open or committed.</summary>
    public long Height => _state.Chain.Read(0).Height;

    /// <summary>Header time (ns) of the last executed block.</summary>
    public long Time => _state.Chain.Read(0).Time;

    /// <summary>Root of the state tree after the last executed block.</summary>
    public byte[] AppHash { get; private set; } = [];

    /// <summary>True between <see cref="Execute"/> and <see cref="Commit"/> or <see cref="Rollback"/>.</summary>
    public bool HasOpenBlock { get; private set; }

    /// <summary>Visit every row after every block to prove the running sums; on by default.</summary>
    public bool CheckEveryRow
    {
        get => _blocks.CheckEveryRow;
        set => _blocks.CheckEveryRow = value;
    }

    /// <summary>
    /// The committed rows of the last 100 heights with proofs. See <see cref="StateTree"/> for reading it from other
    /// threads.
    /// </summary>
    public StateTree Committed => _tree;

    /// <summary>The set that votes at a height: any from the previous height to two above it.</summary>
    public ImmutableArray<Validator> ValidatorsAt(long height) => ValidatorChanges.At(_state, height);

    /// <summary>
    /// The parameters of consensus; null where the chain began without telling them and never changed them.
    /// </summary>
    public ConsensusParametersRow? ConsensusParameters => _state.ConsensusParameters.TryFind(default, out int slot)
        ? _state.ConsensusParameters.Read(slot)
        : null;

    /// <summary>The account with a number that an event names.</summary>
    public AccountId AccountOf(int number) => _state.Accounts.Read(number).Id;

    /// <summary>Executes the next block. No block may be open.</summary>
    /// <exception cref="InvariantException">A broken belief; the process must stop without committing.</exception>
    public BlockResult Execute(Block block)
    {
        Invariant.Assert(block.Height == Height + 1);
        Invariant.Assert(block.Transactions.Length == block.UndecodedCodes.Length);
        Open();
        ImmutableArray<TransactionResult> results = _blocks.Execute(block);
        Hash();
        return new BlockResult
        {
            Height = block.Height,
            Transactions = results,
            Events = _blocks.Context.Events,
            ValidatorUpdates = ValidatorChanges.Updates(_state, block.Height),
            ParameterUpdate =
                ConsensusParameters is { } row && row.FromHeight == block.Height + 1 ? row.Parameters : null,
            AppHash = AppHash,
        };
    }

    /// <summary>Takes back the open block, to the last byte.</summary>
    public void Rollback()
    {
        Invariant.Assert(HasOpenBlock);
        _tree.Drop();
        _state.Journal.Rollback(_start);
        _state.Forget();
        _changes = [];
        HasOpenBlock = false;
        bool found = _tree.TryGetRoot(_tree.Version, out byte[]? root);
        Invariant.Assert(found && root is not null);
        AppHash = root;
    }

    /// <summary>Makes the open block (or the genesis) final; returns the rows it changed, ascending by key.</summary>
    public IReadOnlyList<RowChange> Commit()
    {
        Invariant.Assert(HasOpenBlock);
        _state.Journal.Release(_start);
        _state.Forget();
        _tree.Commit();
        HasOpenBlock = false;
        IReadOnlyList<RowChange> changes = _changes;
        _changes = [];
        return changes;
    }

    /// <summary>
    /// The weak filter of CheckTx on the rows of a committed height: expiry, nonce, account, and the form of each
    /// operation. A transaction that passes may still be refused in its block. Reads the tree only.
    /// </summary>
    public static ResultCode Check(Transaction transaction, StateTree committed, long height)
    {
        ResultCode code = TransactionExecution.CheckExpiry(transaction, height + 1);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        if (TryRead(committed, height, transaction.Signer, out NonceRow nonces) && !nonces.IsFree(transaction.Nonce))
        {
            return ResultCode.NonceUsed;
        }

        if (!committed.TryGet(height, RowChange.KeyOf<AccountId, AccountRow>(transaction.Account), out _)
            && !IsCouncilMember(transaction, committed, height))
        {
            return ResultCode.UnknownAccount;
        }

        if (transaction.Principal is { } owner)
        {
            var agent = new AgentKey(owner, transaction.Signer);
            if (!TryRead(committed, height, agent, out AgentRow row))
            {
                return ResultCode.AgentNotAuthorised;
            }

            TryRead(committed, height, default(SingleKey), out ChainRow chain);
            code = Agents.CheckActive(row, chain.Time);
            if (code != ResultCode.Ok)
            {
                return code;
            }
        }

        foreach (ref readonly Operation operation in transaction.Operations.AsSpan())
        {
            if (operation.Kind is OperationKind.PlaceOrder or OperationKind.ReplaceOrder)
            {
                code = OrderPlacement.CheckForm(operation);
                if (code != ResultCode.Ok)
                {
                    return code;
                }
            }
        }

        return ResultCode.Ok;
    }

    private void WriteCouncils(Genesis genesis)
    {
        long epoch = TreasuryRow.EpochOf(genesis.Time);
        _state.Counters.Add(new CounterRow { NextProposal = 1, NextWithdrawal = 1, NextSequence = 1 });
        if (genesis.Vault is { } vault)
        {
            Invariant.Assert(PolicyRules.Problem(vault.Guardians) is null && PolicyRules.Problem(vault.Terms) is null);
            _state.Councils.Add(CouncilRow.Of(CouncilKind.Guardians, 1, vault.Guardians));
            _state.Vault.Add(new VaultRow
            {
                Terms = vault.Terms,
                Epoch = epoch,
                Base = vault.Terms,
                BaseTimelockSeconds = vault.Guardians.TimelockSeconds,
            });
        }

        if (genesis.Treasury is { } treasury)
        {
            Invariant.Assert(PolicyRules.Problem(treasury.Treasurers) is null);
            _state.Councils.Add(CouncilRow.Of(CouncilKind.Treasurers, 1, treasury.Treasurers));
            _state.Treasury.Add(new TreasuryRow
            {
                EpochLimit = treasury.EpochLimit,
                Epoch = epoch,
                BaseLimit = treasury.EpochLimit,
                BaseTimelockSeconds = treasury.Treasurers.TimelockSeconds,
            });
        }
    }

    // Rows that a chain goes on from may have others: those of its engine count.
    private void WriteParameters(Genesis genesis)
    {
        if (genesis.ConsensusParameters is not { } parameters)
        {
            return;
        }

        if (_state.ConsensusParameters.TryFind(default, out int slot))
        {
            _state.ConsensusParameters.Remove(slot);
        }

        _state.ConsensusParameters.Add(new ConsensusParametersRow
        {
            Parameters = parameters,
            FromHeight = genesis.InitialHeight,
        });
    }

    // VAULT-2: a member of a council needs no account for what only members sign.
    private static bool IsCouncilMember(Transaction transaction, StateTree committed, long height) =>
        transaction.IsForCouncils
        && ((TryRead(committed, height, (uint)CouncilKind.Guardians, out CouncilRow guardians)
                && guardians.MemberOf(transaction.Signer) >= 0)
            || (TryRead(committed, height, (uint)CouncilKind.Treasurers, out CouncilRow treasurers)
                && treasurers.MemberOf(transaction.Signer) >= 0));

    private static bool TryRead<TKey, TRow>(StateTree committed, long height, in TKey key, out TRow row)
        where TRow : struct, IRow<TKey, TRow>
    {
        row = default;
        byte[] encoded = RowChange.KeyOf<TKey, TRow>(key);
        if (!committed.TryGet(height, encoded, out byte[]? value))
        {
            return false;
        }

        var keyReader = new ByteReader(encoded.AsSpan(1));
        var valueReader = new ByteReader(value);
        row = TRow.Decode(ref keyReader, ref valueReader);
        return true;
    }

    private void Open()
    {
        Invariant.Assert(!HasOpenBlock);
        _start = _state.Journal.Mark();
        HasOpenBlock = true;
    }

    // Step 13: the rows that changed, and the root over all rows.
    private void Hash()
    {
        _changes = _state.CollectChanges();
        AppHash = _tree.Apply(Height, _changes);
    }

    private void Write(Genesis genesis)
    {
        _state.Chain.Add(new ChainRow
        {
            ChainId = genesis.ChainId,
            InitialHeight = genesis.InitialHeight,
            Height = genesis.InitialHeight - 1,
            Time = genesis.Time,
            NextOrderId = 1,
        });
        Int128 held = genesis.InsuranceFund;
        foreach (MarketParameters market in genesis.Markets)
        {
            _state.AddMarket(new MarketRow { Parameters = market });
        }

        foreach (GenesisAccount account in genesis.Accounts)
        {
            int number = _state.FindOrOpenAccount(account.Account);
            _state.Accounts.Write(number).Collateral = account.Amount;
            held += account.Amount;
        }

        _state.Pool.Add(new PoolRow
        {
            Held = held,
            Claims = held - genesis.InsuranceFund,
            InsuranceFund = genesis.InsuranceFund,
        });
        WriteCouncils(genesis);
        WriteParameters(genesis);
        _state.ValidatorSets.Add(new ValidatorSetRow
        {
            FromHeight = genesis.InitialHeight,
            Validators = genesis.Validators,
        });
    }
}
