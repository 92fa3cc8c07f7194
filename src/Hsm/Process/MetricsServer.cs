using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace AppChain.Hsm;

/// <summary>Answers every HTTP request on a loopback port with the figures of the process.</summary>
public sealed class MetricsServer : IDisposable
{
    // BOUND: who asks has this long and this many bytes for its request; one at a time is enough for figures.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private const int RequestBytesMax = 8 * 1024;

    private readonly TcpListener _listener;
    private readonly SignerMetrics _metrics;
    private volatile bool _stopped;

    /// <summary>Begins to listen.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public MetricsServer(IPEndPoint endpoint, SignerMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        _metrics = metrics;
        _listener = new TcpListener(endpoint);
        try
        {
            _listener.Start();
        }
        catch (SocketException error)
        {
            throw new IOException($"cannot serve metrics on {endpoint}: {error.Message}", error);
        }
        new Thread(Run) { IsBackground = true, Name = "metrics" }.Start();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopped = true;
        _listener.Stop();
    }

    private void Run()
    {
        while (!_stopped)
        {
            try
            {
                using Socket socket = _listener.AcceptSocket();
                Serve(socket);
            }
            catch (Exception error) when (error is SocketException or IOException or ObjectDisposedException
                or InvalidOperationException)
            {
                // Whoever asked is gone, or the listener is.
            }
        }
    }

    private void Serve(Socket socket)
    {
        socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        socket.SendTimeout = (int)Patience.TotalMilliseconds;
        byte[] request = new byte[RequestBytesMax];
        int count = 0;
        while (request.AsSpan(0, count).IndexOf("\r\n\r\n"u8) < 0)
        {
            int more = count < request.Length ? socket.Receive(request.AsSpan(count)) : 0;
            if (more == 0) return;
            count += more;
        }
        byte[] body = Encoding.UTF8.GetBytes(_metrics.Text());
        socket.Send(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
            + $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n"));
        socket.Send(body);
    }
}
