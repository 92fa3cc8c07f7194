using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace AppChain.Abci;

/// <summary>
/// An address in the syntax of CometBFT's <c>proxy_app</c> and <c>priv_validator_laddr</c>: <c>unix:///path</c>,
/// <c>tcp://host:port</c>, or <c>host:port</c>.
/// </summary>
public sealed class SocketEndpoint
{
    private const string UnixScheme = "unix://";
    private const string TcpScheme = "tcp://";
    private const int Backlog = 128;
    private static readonly TimeSpan RedialPause = TimeSpan.FromMilliseconds(50);

    private readonly string _host;
    private readonly int _port;

    private SocketEndpoint(string? path, string host, int port)
    {
        UnixPath = path;
        _host = host;
        _port = port;
    }

    /// <summary>Path of the socket file, or null for TCP.</summary>
    public string? UnixPath { get; }

    /// <summary>Reads an address. Throws <see cref="FormatException"/>. Port 0 lets the system choose one.</summary>
    public static SocketEndpoint Parse(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.StartsWith(UnixScheme, StringComparison.Ordinal))
        {
            string path = address[UnixScheme.Length..];
            return path.Length > 0 ? new SocketEndpoint(path, "", 0) : throw Bad(address);
        }
        string rest = address.StartsWith(TcpScheme, StringComparison.Ordinal) ? address[TcpScheme.Length..] : address;
        int colon = rest.LastIndexOf(':');
        if (colon <= 0 || rest.Contains('/', StringComparison.Ordinal)) throw Bad(address);
        if (!ushort.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            throw Bad(address);
        }
        return new SocketEndpoint(null, rest[..colon].Trim('[', ']'), port);
    }

    /// <summary>
    /// Opens a listening socket. A socket file left over by a process that is gone is deleted first.
    /// </summary>
    /// <exception cref="IOException">The address cannot be used; the message says why and what to do.</exception>
    public Socket Listen()
    {
        if (UnixPath is { } path) MakeWay(path);
        EndPoint endPoint = Resolve();
        Socket socket = NewSocket(endPoint);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException error)
        {
            socket.Dispose();
            string advice = error.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => InUse,
                SocketError.AccessDenied => "permission denied; choose a port above 1023 or a folder you may write to",
                SocketError.AddressNotAvailable when UnixPath is not null => "its folder does not exist; create it",
                SocketError.AddressNotAvailable => "no network interface of this machine has that address",
                _ => error.Message,
            };
            throw new IOException($"cannot listen on {this}: {advice}", error);
        }
    }

    /// <summary>
    /// Dials, again and again while nobody listens, for at most <paramref name="patience"/>.
    /// </summary>
    /// <exception cref="IOException">Nobody answered in that time.</exception>
    public Socket Connect(TimeSpan patience, CancellationToken stop = default)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            Socket? socket = null;
            try
            {
                EndPoint endPoint = Resolve();
                socket = NewSocket(endPoint);
                socket.Connect(endPoint);
                return socket;
            }
            catch (SocketException error)
            {
                socket?.Dispose();
                if (Stopwatch.GetElapsedTime(start) >= patience)
                {
                    throw new IOException($"cannot connect to {this}: {Reason(error)}", error);
                }
            }
            if (stop.WaitHandle.WaitOne(RedialPause)) throw new OperationCanceledException(stop);
        }
    }

    /// <summary>The address a listening socket really has, for clients to dial.</summary>
    public string BoundAddress(Socket listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        return listener.LocalEndPoint is IPEndPoint bound ? TcpScheme + bound : ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => UnixPath is { } path ? UnixScheme + path : $"{TcpScheme}{_host}:{_port}";

    // The system's own words for a unix socket that is not there speak of addresses.
    private string Reason(SocketException error) =>
        UnixPath is not null && error.SocketErrorCode == SocketError.AddressNotAvailable
            ? "nobody has listened there yet"
            : error.Message;

    private string InUse => UnixPath is null
        ? "the port is in use; stop the process that listens there or choose another port"
        : "another process listens there; stop it or choose another path";

    /// <summary>The address in the form of the system. Throws <see cref="IOException"/> when it has none.</summary>
    internal EndPoint Resolve()
    {
        if (UnixPath is { } path)
        {
            try
            {
                return new UnixDomainSocketEndPoint(path);
            }
            catch (ArgumentException error)
            {
                throw new IOException($"cannot use {this}: the path of a unix socket takes at most 107 bytes", error);
            }
        }
        if (IPAddress.TryParse(_host, out IPAddress? ip)) return new IPEndPoint(ip, _port);
        IPAddress[] found = Dns.GetHostAddresses(_host);
        return found.Length > 0
            ? new IPEndPoint(found[0], _port)
            : throw new IOException($"cannot use {this}: the host name is unknown");
    }

    private static Socket NewSocket(EndPoint endPoint)
    {
        if (endPoint is UnixDomainSocketEndPoint)
        {
            return new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        }
        return new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    }

    /// <summary>
    /// Deletes a socket file that nobody listens on. Anything else at the path stays and is an error.
    /// </summary>
    private void MakeWay(string path)
    {
        if (Directory.Exists(path)) throw new IOException($"cannot listen on {this}: the path is a folder");
        if (!File.Exists(path)) return;

        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(Resolve());
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused)
        {
            if (IsRegularFile(path))
            {
                throw new IOException($"cannot listen on {this}: the path is a file, not a socket");
            }
            File.Delete(path);
            return;
        }
        catch (SocketException error)
        {
            throw new IOException($"cannot listen on {this}: {error.Message}", error);
        }
        throw new IOException($"cannot listen on {this}: {InUse}");
    }

    /// <summary>A socket cannot be opened as a file, everything else that refuses connections can.</summary>
    private static bool IsRegularFile(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static FormatException Bad(string address) =>
        new($"'{address}' is not an address; write unix:///path/to.sock or tcp://host:port");
}
