using System;
using System.IO;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>Reads messages from bytes that somebody else wrote.</summary>
public static class MessageReading
{
    /// <summary>
    /// The message in <paramref name="bytes"/>. In place of <c>ParseFrom</c>, which is banned:
    /// Google.Protobuf 3.25.1 adds a length near 2^31 to its position without a check, reads on beyond the end, and
    /// fails with <see cref="IndexOutOfRangeException"/> or <see cref="ArgumentOutOfRangeException"/>, which no handler
    /// of bad input may catch, since they can be a fault of ours.
    /// </summary>
    /// <exception cref="MalformedMessageException">The bytes are no message of this type.</exception>
    public static T Read<T>(this MessageParser<T> parser, ReadOnlySpan<byte> bytes)
        where T : IMessage<T>
    {
        try
        {
#pragma warning disable RS0030 // The one place that the ban leads to.
            return parser.ParseFrom(bytes);
#pragma warning restore RS0030
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new MalformedMessageException(error.Message, error);
        }
        catch (Exception error) when (error is IndexOutOfRangeException or ArgumentOutOfRangeException)
        {
            throw new MalformedMessageException("a length reaches beyond the end of the message", error);
        }
    }
}

/// <summary>Bytes from somebody else are no message of the expected type.</summary>
public sealed class MalformedMessageException : IOException
{
    /// <summary>With what the parser says and its exception.</summary>
    public MalformedMessageException(string message, Exception cause) : base(message, cause)
    {
    }
}
