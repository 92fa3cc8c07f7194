using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Threading;

namespace AppChain.Abci;

/// <summary>
/// Listens for the consensus engine and serves an application on any number of connections, one blocking thread each.
/// Which connection carries which calls is up to the engine.
/// </summary>
public sealed class AbciServer : IDisposable
{
    private static readonly TimeSpan ThreadPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LastWordPatience = TimeSpan.FromSeconds(1);

    private readonly IAbciApplication _application;
    private readonly SocketEndpoint _endpoint;
    private readonly int _frameBytesMax;
    private readonly Action<Exception> _onFatal;
    private readonly Action<string> _log;
    private readonly Socket _listener;
    private readonly Thread _acceptor;
    private readonly Lock _lock = new();
    private readonly Dictionary<Socket, Thread> _connections = [];
    private int _connectionCount;
    private bool _stopped;

    /// <summary>Listens and begins to serve.</summary>
    /// <param name="application">Called from several threads at once.</param>
    /// <param name="address"><c>unix:///path</c> or <c>tcp://host:port</c>.</param>
    /// <param name="onFatal">Called on a connection's thread when the application has thrown, after the engine was
    /// told. The node should stop.</param>
    /// <param name="log">One line for each connection that ends in an error.</param>
    /// <param name="frameBytesMax">Longest request accepted.</param>
    /// <exception cref="FormatException">The address has no known form.</exception>
    /// <exception cref="IOException">The address cannot be used.</exception>
    public AbciServer(
        IAbciApplication application,
        string address,
        Action<Exception>? onFatal = null,
        Action<string>? log = null,
        int frameBytesMax = Frame.DefaultBytesMax)
    {
        ArgumentNullException.ThrowIfNull(application);
        _application = application;
        _endpoint = SocketEndpoint.Parse(address);
        _onFatal = onFatal ?? (static _ => { });
        _log = log ?? (static _ => { });
        _frameBytesMax = frameBytesMax;
        _listener = _endpoint.Listen();
        Address = _endpoint.BoundAddress(_listener);
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "abci accept" };
        _acceptor.Start();
    }

    /// <summary>The address to dial, with the port the system chose when 0 was asked for.</summary>
    public string Address { get; }

    /// <summary>Closes all connections, waits for calls in progress and removes the socket file.</summary>
    public void Dispose()
    {
        List<Thread> threads = [_acceptor];
        lock (_lock)
        {
            if (_stopped) return;
            _stopped = true;
            foreach ((Socket socket, Thread thread) in _connections)
            {
                Close(socket);
                threads.Add(thread);
            }
        }
        _listener.Dispose();
        foreach (Thread thread in threads)
        {
            if (thread != Thread.CurrentThread) thread.Join(ThreadPatience);
        }
        if (_endpoint.UnixPath is { } path) File.Delete(path);
    }

    private void Accept()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = _listener.Accept();
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                lock (_lock)
                {
                    if (_stopped) return;
                }
                // A connection that was gone before it could be taken, or no descriptors left: neither ends the server.
                _log($"abci: cannot take a connection: {error.Message}");
                Thread.Sleep(LastWordPatience);
                continue;
            }
            Begin(socket);
        }
    }

    private void Begin(Socket socket)
    {
        lock (_lock)
        {
            if (_stopped)
            {
                Close(socket);
                return;
            }
            string name = $"abci {++_connectionCount}";
            Thread thread = new(() => Serve(socket, name)) { IsBackground = true, Name = name };
            _connections.Add(socket, thread);
            thread.Start();
        }
    }

    private void Serve(Socket socket, string name)
    {
        try
        {
            if (socket.AddressFamily != AddressFamily.Unix) socket.NoDelay = true;
            using NetworkStream stream = new(socket);
            new AbciConnection(stream, _application, _frameBytesMax, _onFatal).Run();
            LetLastWordArrive(socket);
        }
        catch (MalformedFrameException error)
        {
            _log($"{name}: closed: {error.Message}");
            LetLastWordArrive(socket);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            _log($"{name}: lost: {error.Message}");
        }
        catch (Exception error)
        {
            // A defect here must stop the node in order, not end the process in the middle of a block.
            _onFatal(error);
        }
        finally
        {
            lock (_lock) _connections.Remove(socket);
            Close(socket);
        }
    }

    /// <summary>
    /// Closing a TCP socket with unread input throws away what the peer has not read yet, which would be the exception
    /// that tells it why. So input is read away for a moment first.
    /// </summary>
    private static void LetLastWordArrive(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            socket.ReceiveTimeout = (int)LastWordPatience.TotalMilliseconds;
            byte[] ignored = new byte[16 * 1024];
            long start = Stopwatch.GetTimestamp();
            while (socket.Receive(ignored) > 0 && Stopwatch.GetElapsedTime(start) < LastWordPatience)
            {
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The peer is gone; nothing is left to be told.
        }
    }

    private static void Close(Socket socket)
    {
        try
        {
            // Shutdown wakes a thread that waits in a read; disposing alone need not.
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
        socket.Dispose();
    }
}
