namespace AppChain.StateMachine;

/// <summary>The tree over all rows whose root is the app hash.</summary>
public sealed class StateTree
{
}
