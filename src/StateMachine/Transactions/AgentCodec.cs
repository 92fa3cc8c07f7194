using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>The contents of AuthoriseAgent and RevokeAgent on the wire.</summary>
internal static class AgentCodec
{
    public static bool TryDecodeAuthorisation(ReadOnlySpan<byte> bytes, out IOperationContent? content)
    {
        var reader = new WireReader(bytes);
        Address? agent = reader.AddressOrNone(TransactionTags.Agent);
        ImmutableArray<uint> markets = reader.Takes(TransactionTags.AgentMarkets)
            ? reader.ReadAscendingUInt32s(AgentRow.MarketsMax)
            : [];
        long notionalPerDay = reader.PositiveInt64(TransactionTags.AgentNotionalPerDay);
        long expires = reader.PositiveInt64(TransactionTags.AgentExpires);
        content = agent is { } key ? new AgentAuthorisation(key, markets, notionalPerDay, expires) : null;
        return reader.IsComplete && content is not null;
    }

    public static bool TryDecodeRevocation(ReadOnlySpan<byte> bytes, out IOperationContent? content)
    {
        var reader = new WireReader(bytes);
        content = reader.AddressOrNone(TransactionTags.Agent) is { } key ? new AgentRevocation(key) : null;
        return reader.IsComplete && content is not null;
    }

    public static void Encode(ref WireWriter writer, IOperationContent? content)
    {
        switch (content)
        {
            case AgentAuthorisation authorisation:
                writer.WriteAddress(TransactionTags.Agent, authorisation.Agent);
                writer.WriteNumbers(TransactionTags.AgentMarkets, authorisation.Markets);
                writer.WriteNumber(TransactionTags.AgentNotionalPerDay, authorisation.NotionalPerDay);
                writer.WriteNumber(TransactionTags.AgentExpires, authorisation.Expires);
                break;
            case AgentRevocation revocation:
                writer.WriteAddress(TransactionTags.Agent, revocation.Agent);
                break;
            default:
                throw new ArgumentException("an operation on agents needs its content", nameof(content));
        }
    }
}
