using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>Collateral that an account holds at genesis.</summary>
/// <param name="Account">The account.</param>
/// <param name="Amount">Micro-USD, &gt; 0.</param>
public readonly record struct GenesisAccount(AccountId Account, long Amount);

/// <summary>The vault as a chain begins with it.</summary>
/// <param name="Guardians">Who decides on it.</param>
/// <param name="Terms">Caps and timelocks of withdrawals.</param>
public sealed record GenesisVault(CouncilTerms Guardians, VaultTerms Terms);

/// <summary>The treasury as a chain begins with it.</summary>
/// <param name="Treasurers">Who decides on it.</param>
/// <param name="EpochLimit">Micro-USD that may be spent in 24 h, &gt; 0.</param>
public sealed record GenesisTreasury(CouncilTerms Treasurers, long EpochLimit);

/// <summary>The first state of a chain, already parsed and validated by the node (docs/spec/genesis.md).</summary>
public sealed class Genesis
{
    /// <summary>Chain id, 1 to 50 characters.</summary>
    public required string ChainId { get; init; }

    /// <summary>Height of the first block, ≥ 1.</summary>
    public required long InitialHeight { get; init; }

    /// <summary>Genesis time, ns since 1970.</summary>
    public required long Time { get; init; }

    /// <summary>Validators of the initial height, in CometBFT's order.</summary>
    public required ImmutableArray<Validator> Validators { get; init; }

    /// <summary>Markets, ascending by id.</summary>
    public required ImmutableArray<MarketParameters> Markets { get; init; }

    /// <summary>Accounts, ascending by id, distinct.</summary>
    public required ImmutableArray<GenesisAccount> Accounts { get; init; }

    /// <summary>Micro-USD that the insurance fund starts with, ≥ 0.</summary>
    public required long InsuranceFund { get; init; }

    /// <summary>The vault; null: it is closed, nothing is deposited or withdrawn.</summary>
    public GenesisVault? Vault { get; init; }

    /// <summary>The treasury; null: fees are never spent.</summary>
    public GenesisTreasury? Treasury { get; init; }

    /// <summary>The parameters of consensus that the engine begins with; null: it did not tell.</summary>
    public ConsensusParameters? ConsensusParameters { get; init; }
}
