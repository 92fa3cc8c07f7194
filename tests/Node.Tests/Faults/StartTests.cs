using System.IO;
using System.Net;
using System.Net.Sockets;
using AppChain.Abci;
using AppChain.Abci.Wire;
using NUnit.Framework;

namespace AppChain.Node.Tests.Faults;

/// <summary>What a node says when it cannot start, as a real process.</summary>
[TestFixture]
public sealed class StartTests
{
    private string _home = "";

    [SetUp]
    public void CreateHome() => _home = Directory.CreateTempSubdirectory("appchain-fault-").FullName;

    [TearDown]
    public void RemoveHome() => Directory.Delete(_home, true);

    private string Refusal(string? libraryPath = null)
    {
        using var node = new NodeProcess(_home, libraryPath);
        Assert.That(node.WaitForExit(), Is.EqualTo(1), node.Said);
        Assert.That(node.Said, Does.Not.Contain("   at "), "no stack trace for an operating error");
        return node.Said;
    }

    [Test]
    public void A_tcp_port_in_use_is_named()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        string address = $"tcp://{holder.LocalEndpoint}";
        NodeProcess.Configure(_home, address);
        Assert.That(
            Refusal(),
            Does.Contain($"cannot listen on {address}: the port is in use").And.Contain("choose another port"));
    }

    [Test]
    public void A_live_unix_socket_is_left_alone()
    {
        string path = Path.Combine(_home, "app.sock");
        using var holder = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        holder.Bind(new UnixDomainSocketEndPoint(path));
        holder.Listen();
        NodeProcess.Configure(_home, "unix://" + path);
        Assert.That(Refusal(), Does.Contain("another process listens there"));
        Assert.That(File.Exists(path), Is.True);
    }

    [Test]
    public void A_stale_socket_of_a_killed_node_is_replaced()
    {
        string path = Path.Combine(_home, "app.sock");
        NodeProcess.Configure(_home, "unix://" + path);
        using (var killed = new NodeProcess(_home))
        {
            killed.Dial("unix://" + path).Dispose();
            killed.Kill();
        }

        Assert.That(File.Exists(path), Is.True, "a killed process leaves its socket file");
        using var node = new NodeProcess(_home);
        using AbciClient client = node.Dial("unix://" + path);
        Assert.That(client.Info(new RequestInfo()).LastBlockHeight, Is.Zero);
    }

    [Test]
    public void A_second_node_on_one_data_directory_is_refused()
    {
        string path = Path.Combine(_home, "app.sock");
        NodeProcess.Configure(_home, "unix://" + path);
        using var first = new NodeProcess(_home);
        first.Dial("unix://" + path).Dispose();
        Assert.That(Refusal(), Does.Contain("another process uses this data directory"));
    }

    [Test]
    public void A_configuration_typo_names_file_line_and_nearest_key()
    {
        NodeProcess.Configure(_home, "tcp://127.0.0.1:0");
        File.AppendAllText(Path.Combine(_home, "config", "appchain.conf"), "feed.sped = 2\n");
        Assert.That(Refusal(), Does.Contain("appchain.conf:4: unknown key 'feed.sped'; did you mean 'feed.speed'?"));
    }

    // A file that is no library stands for one that is missing: the loader refuses both in the same call.
    [TestCase("librocksdb-dev", "librocksdb.so.7.8")]
    [TestCase("libsecp256k1", "libsecp256k1.so.1", "libsecp256k1.so.2", "libsecp256k1.so")]
    [TestCase("libsodium", "libsodium.so.23", "libsodium.so.26", "libsodium.so")]
    public void A_missing_native_library_names_its_package(string package, params string[] libraries)
    {
        NodeProcess.Configure(_home, "unix://" + Path.Combine(_home, "app.sock"));
        string folder = Directory.CreateDirectory(Path.Combine(_home, "lib")).FullName;
        foreach (string library in libraries)
        {
            File.WriteAllText(Path.Combine(folder, library), "no library");
        }

        Assert.That(
            Refusal(libraryPath: folder), Does.Contain(libraries[0]).And.Contain("is missing").And.Contain(package));
    }
}
