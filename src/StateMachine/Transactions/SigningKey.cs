namespace AppChain.StateMachine;

/// <summary>What owners, agents and members of councils sign with: ECDSA over secp256k1.</summary>
public static class SigningKey
{
    /// <summary>Bytes of a compressed public key.</summary>
    public const int PublicKeySize = 33;

    /// <summary>Bytes of a signature r ‖ s.</summary>
    public const int SignatureSize = 64;
}
