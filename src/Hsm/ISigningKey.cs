using System;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>A validator's Ed25519 key, wherever it is held: in this process or in a device.</summary>
public interface ISigningKey : IDisposable
{
    /// <summary>The 32 bytes others verify with.</summary>
    ByteString PublicKey { get; }

    /// <summary>
    /// The 64-byte signature over a message. Called by one thread at a time. It signs whatever it is given: the guard
    /// stands in front of it, in <see cref="ConsensusSigner"/>.
    /// </summary>
    /// <exception cref="System.IO.IOException">The key cannot be used now.</exception>
    byte[] Sign(ReadOnlySpan<byte> message);

    /// <summary>Returns when the key can be used, as far as that shows without a signature; a lost device is opened
    /// again.</summary>
    /// <exception cref="System.IO.IOException">The key cannot be used now.</exception>
    void Probe();
}
