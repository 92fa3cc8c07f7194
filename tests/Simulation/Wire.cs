using AppChain.Abci.Wire.Types;
using AppChain.Localnet;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>Messages and calls as they arrive when they go from process to process as bytes.</summary>
internal static class Wire
{
    /// <summary>What arrives of a message between validators.</summary>
    /// <exception cref="Violation">Nothing does.</exception>
    public static object Carried(object message)
    {
        // A status says what a validator has and decides nothing; a transaction is bytes already.
        if (message is PeerStatus or ByteString) return message;
        if (message is DuplicateVoteEvidence evidence) return Again(evidence);
        (byte kind, System.ReadOnlyMemory<byte> content) = InputCodec.Encode(message);
        return InputCodec.Decode(kind, content.ToArray())
            ?? throw new Violation("wire", $"a {message.GetType().Name} does not arrive");
    }

    /// <summary>A request or an answer, written and read again.</summary>
    public static T Again<T>(T message) where T : IMessage<T> =>
        (T)message.Descriptor.Parser.ParseFrom(message.ToByteString());
}
