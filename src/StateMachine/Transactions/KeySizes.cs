namespace AppChain.StateMachine;

/// <summary>Sizes of what owners, agents and members of councils sign with: ECDSA over secp256k1.</summary>
public static class KeySizes
{
    /// <summary>Bytes of a compressed public key.</summary>
    public const int PublicKey = 33;

    /// <summary>Bytes of a signature r ‖ s.</summary>
    public const int Signature = 64;
}
