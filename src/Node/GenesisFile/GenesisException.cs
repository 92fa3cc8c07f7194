using System;

namespace AppChain.Node;

/// <summary>The genesis document does not parse: the message names the place and what is wrong.</summary>
public sealed class GenesisException(string message) : Exception(message);
