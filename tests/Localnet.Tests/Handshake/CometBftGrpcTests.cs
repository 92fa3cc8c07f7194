using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using AppChain.Abci;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>A real CometBFT that reaches the product's application over gRPC.</summary>
[TestFixture, Category("Long")]
public sealed class CometBftGrpcTests
{
    private readonly int _port = TestPorts.Next();
    private const long Heights = 12;

    [Test]
    public void CometBFT_decides_over_gRPC_and_goes_on_after_a_restart()
    {
        CometBftNode.Binary();
        string folder = Directory.CreateTempSubdirectory("appchain-grpc-").FullName;
        try
        {
            // CometBFT takes no scheme in front of a gRPC address.
            string address = $"127.0.0.1:{_port + 5}";
            using var node = new CometBftNode(Path.Combine(folder, "home"));
            node.Create(
                EmbeddedHandshakeTests.GenesisJson(), EmbeddedHandshakeTests.Seed, address, _port, abci: "grpc");
            using var application = new RealApplication(Path.Combine(folder, "data"));
            using var server = new GrpcAbciServer(application.Served, address);
            foreach (long height in new[] { Heights, 2 * Heights })
            {
                node.Start();
                long started = Stopwatch.GetTimestamp();
                while (application.Info().LastBlockHeight < height)
                {
                    Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(TimeSpan.FromSeconds(60)), node.Said);
                    Assert.That(node.HasExited, Is.False, node.Said);
                    Thread.Sleep(20);
                }

                node.Kill();
            }

            lock (application.Calls)
            {
                Assert.That(CallGrammar.Check(application.Calls), Is.Null);
                Assert.That(application.Calls.Count(call => call.Kind == CallKind.Info), Is.EqualTo(2));
                Assert.That(application.Calls.Count(call => call.Kind == CallKind.ExtendVote), Is.AtLeast(Heights));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
