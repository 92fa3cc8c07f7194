using System;
using System.Collections.Generic;

namespace AppChain.Localnet;

/// <summary>A relay for each ordered pair of validators, so that one can be cut off from all others.</summary>
internal sealed class PeerRelays : IDisposable
{
    private readonly Dictionary<(int From, int To), TcpRelay> _relays = [];

    /// <summary>Listens for all pairs.</summary>
    public PeerRelays(RunOptions options)
    {
        for (int from = 0; from < options.Validators; from++)
        {
            for (int to = 0; to < options.Validators; to++)
            {
                if (from != to)
                {
                    _relays[(from, to)] = new TcpRelay(options.Ports.Relay(from, to), options.Ports.Peer(to));
                }
            }
        }
    }

    /// <summary>Cuts a validator off, or joins it again.</summary>
    public void SetClosed(int validator, bool closed)
    {
        foreach (((int from, int to), TcpRelay relay) in _relays)
        {
            if (from == validator || to == validator)
            {
                relay.IsClosed = closed;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TcpRelay relay in _relays.Values)
        {
            relay.Dispose();
        }
    }
}
