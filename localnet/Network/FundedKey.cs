namespace AppChain.Localnet;

/// <summary>A key of an account that genesis funds.</summary>
/// <param name="Name">Name of the key file.</param>
/// <param name="SecretKey">secp256k1 secret key: a test key, derived from the seed.</param>
/// <param name="Collateral">Micro-USD at genesis.</param>
internal sealed record FundedKey(string Name, byte[] SecretKey, long Collateral);

/// <summary>What a trading agent does: of every five, one makes markets, two hold, two trade noise.</summary>
internal enum AgentKind
{
    /// <summary>Quotes a ladder around the index price.</summary>
    Maker,

    /// <summary>Holds a leveraged position.</summary>
    Holder,

    /// <summary>Buys and sells a little now and then.</summary>
    Noise,
}

/// <summary>Which agent is of which kind.</summary>
internal static class AgentKinds
{
    /// <summary>Kind of an agent, by its number.</summary>
    public static AgentKind Of(int agent) => (agent % 5) switch
    {
        0 => AgentKind.Maker,
        1 or 2 => AgentKind.Holder,
        _ => AgentKind.Noise,
    };
}
