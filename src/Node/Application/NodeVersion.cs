namespace AppChain.Node;

/// <summary>Versions that the node reports.</summary>
internal static class NodeVersion
{
    /// <summary>Release.</summary>
    public const string Text = "0.1.0";

    /// <summary>
    /// Rules of the state machine; raised whenever a golden app hash changes. Part of every block header.
    /// </summary>
    public const ulong Consensus = 1;
}
