using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Localnet;

/// <summary>
/// Passes TCP connections on, from one loopback port to another, until it is closed: then bytes are held back, as on a
/// cable that was pulled, and flow again when it is opened.
/// </summary>
internal sealed class TcpRelay : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    private readonly TcpListener _listener;
    private readonly int _target;
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _isClosed;

    /// <summary>Listens on a port for connections to another.</summary>
    public TcpRelay(int port, int target)
    {
        _target = target;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Whether bytes are held back.</summary>
    public bool IsClosed
    {
        get => _isClosed;
        set => _isClosed = value;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            CancellationToken stop = _stop.Token;
            while (true)
            {
                _ = PassOnAsync(await _listener.AcceptTcpClientAsync(stop).ConfigureAwait(false), stop);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The run is over.
        }
    }

    private async Task PassOnAsync(TcpClient from, CancellationToken stop)
    {
        using (from)
        using (var to = new TcpClient())
        {
            try
            {
                await WhileClosedAsync(stop).ConfigureAwait(false);
                await to.ConnectAsync(IPAddress.Loopback, _target, stop).ConfigureAwait(false);
                from.NoDelay = to.NoDelay = true;
                using NetworkStream left = from.GetStream();
                using NetworkStream right = to.GetStream();
                // Either end that closes ends both.
                await Task.WhenAny(PumpAsync(left, right, stop), PumpAsync(right, left, stop)).ConfigureAwait(false);
            }
            catch (Exception gone) when (gone is SocketException or OperationCanceledException or System.IO.IOException)
            {
                // Nobody listens there now; the dialler tries again.
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, CancellationToken stop)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                int read = await from.ReadAsync(buffer, stop).ConfigureAwait(false);
                if (read == 0)
                {
                    return;
                }

                await WhileClosedAsync(stop).ConfigureAwait(false);
                await to.WriteAsync(buffer.AsMemory(0, read), stop).ConfigureAwait(false);
            }
        }
        catch (Exception gone) when (gone is System.IO.IOException or OperationCanceledException
            or ObjectDisposedException)
        {
            // One side has ended.
        }
    }

    private async Task WhileClosedAsync(CancellationToken stop)
    {
        while (_isClosed)
        {
            await Task.Delay(Poll, stop).ConfigureAwait(false);
        }
    }
}
