using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>The contents of AuthoriseAgent and RevokeAgent on the wire.</summary>
internal static class AgentCodec
{
    public static bool TryDecodeAuthorisation(ReadOnlySpan<byte> bytes, out IOperationContent? content)
    {
        Address? agent = null;
        ImmutableArray<uint> markets = [];
        long notionalPerDay = 0;
        long expires = 0;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case TransactionTags.Agent:
                    agent = reader.ReadAddress();
                    break;
                case TransactionTags.AgentMarkets:
                    markets = reader.ReadAscendingUInt32s(AgentRow.MarketsMax);
                    break;
                case TransactionTags.AgentNotionalPerDay:
                    notionalPerDay = reader.ReadPositiveInt64();
                    break;
                case TransactionTags.AgentExpires:
                    expires = reader.ReadPositiveInt64();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        content = agent is { } key ? new AgentAuthorisation(key, markets, notionalPerDay, expires) : null;
        return !reader.HasFailed && content is not null;
    }

    public static bool TryDecodeRevocation(ReadOnlySpan<byte> bytes, out IOperationContent? content)
    {
        Address? agent = null;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            if (tag == TransactionTags.Agent)
            {
                agent = reader.ReadAddress();
            }
            else
            {
                reader.Fail();
            }
        }

        content = agent is { } key ? new AgentRevocation(key) : null;
        return !reader.HasFailed && content is not null;
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
