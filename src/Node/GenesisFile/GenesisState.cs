using System.Collections.Immutable;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>What <c>app_state</c> of a genesis document says (docs/spec/genesis.md).</summary>
/// <param name="Markets">Ascending by id.</param>
/// <param name="Accounts">Ascending by account.</param>
/// <param name="InsuranceFund">Micro-USD.</param>
/// <param name="Vault">Null: closed.</param>
/// <param name="Treasury">Null: closed.</param>
public sealed record GenesisState(
    ImmutableArray<MarketParameters> Markets,
    ImmutableArray<GenesisAccount> Accounts,
    long InsuranceFund,
    GenesisVault? Vault = null,
    GenesisTreasury? Treasury = null);
