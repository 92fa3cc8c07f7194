using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>The content of an operation that does not trade; each kind has its own.</summary>
public interface IOperationContent
{
}

/// <summary>Lets a key trade for the owner (AuthoriseAgent), in place of what it was allowed before.</summary>
/// <param name="Agent">Address of the key.</param>
/// <param name="Markets">Ascending, at most <see cref="AgentRow.MarketsMax"/>; empty: all.</param>
/// <param name="NotionalPerDay">Micro-USD that its orders of one day may add up to, &gt; 0.</param>
/// <param name="Expires">Block time (ns) up to and including which it may trade.</param>
public sealed record AgentAuthorisation(
    Address Agent, ImmutableArray<uint> Markets, long NotionalPerDay, long Expires) : IOperationContent;

/// <summary>Forbids a key to trade for the owner (RevokeAgent).</summary>
/// <param name="Agent">Address of the key.</param>
public sealed record AgentRevocation(Address Agent) : IOperationContent;
