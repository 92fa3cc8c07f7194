using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>All ABCI frames recorded between real nodes and their application.</summary>
internal sealed class RecordedFramesTests
{
    private static IEnumerable<string> Files() => SharedData.RecordedFiles("abci_node*.jsonl.gz");

    [TestCaseSource(nameof(Files))]
    public void Every_frame_is_encoded_again_to_the_same_bytes(string file)
    {
        int frames = 0;
        foreach (JsonElement line in Lines(file))
        {
            if (!line.TryGetProperty("frame", out JsonElement text)) continue;
            byte[] frame = text.GetBytesFromBase64();
            Assert.That(Frame.TryReadPrefix(frame, Frame.DefaultBytesMax, out int length, out int prefix), Is.True);
            Assert.That(prefix + length, Is.EqualTo(frame.Length));
            bool isRequest = line.GetProperty("dir").GetString() == "req";
            IMessage message = isRequest
                ? Request.Parser.ParseFrom(frame.AsSpan(prefix))
                : Response.Parser.ParseFrom(frame.AsSpan(prefix));

            using MemoryStream stream = new();
            FrameWriter writer = new(stream);
            writer.Write(message);
            writer.Flush();
            Assert.That(stream.ToArray(), Is.EqualTo(frame));

            string kind = line.GetProperty("kind").GetString()!.Replace("_", "", StringComparison.Ordinal);
            string decoded = message is Request r ? r.ValueCase.ToString() : ((Response)message).ValueCase.ToString();
            Assert.That(decoded, Is.EqualTo(kind).IgnoreCase);
            frames++;
        }
        Assert.That(frames, Is.GreaterThan(100));
    }

    /// <summary>
    /// The recorded requests go through real sockets to a server with the same application. Requests that reached the
    /// application with one read are sent with one write.
    /// </summary>
    [TestCaseSource(nameof(Files))]
    public void Replayed_requests_get_the_recorded_answers(string file)
    {
        int node = int.Parse(file.Split("_node")[1].Split('.')[0], CultureInfo.InvariantCulture);
        string scenario = SharedData.Text("7_cometbft_recordings", file.Split('/')[0], "scenario.json");
        JsonElement plan = JsonDocument.Parse(scenario).RootElement.GetProperty("plans").GetProperty($"node{node}");
        RecorderApplication application = new(node, plan, 0, []);
        int answers = 0;
        foreach (IGrouping<int, JsonElement> run in Lines(file).GroupBy(line => line.GetProperty("run").GetInt32()))
        {
            application = new RecorderApplication(node, plan, application.StoredHeight, application.StoredHash);
            answers += Replay([.. run], application);
        }
        Assert.That(answers, Is.GreaterThan(100));
        TestContext.Out.WriteLine($"{file}: {answers} answers");
    }

    private static int Replay(List<JsonElement> lines, RecorderApplication application)
    {
        string path = Path.Combine(Path.GetTempPath(), $"replay-{Guid.NewGuid():N}.sock");
        using AbciServer server = new(application, "unix://" + path);
        List<Socket> sockets = [];
        List<FrameReader> readers = [];
        List<int> lastRead = [];
        HashSet<int> ended = [];
        int answers = 0;
        for (int at = 0; at < lines.Count; at++)
        {
            JsonElement line = lines[at];
            if (line.TryGetProperty("ev", out JsonElement happened))
            {
                string ev = happened.GetString()!;
                if (ev == "start")
                {
                    Assert.That(application.StoredHeight, Is.EqualTo(line.GetProperty("height").GetInt64()));
                }
                if (ev == "kill_app_and_node_after_persist") application.Commit(new RequestCommit());
                if (ev != "open") continue;
                Socket socket = SocketEndpoint.Parse(server.Address).Connect(TimeSpan.Zero);
                sockets.Add(socket);
                readers.Add(new FrameReader(new NetworkStream(socket), Frame.DefaultBytesMax));
                lastRead.Add(0);
                continue;
            }
            int connection = line.GetProperty("conn").GetInt32();
            if (line.GetProperty("dir").GetString() == "req")
            {
                int read = line.GetProperty("rx").GetInt32();
                if (read == lastRead[connection]) continue;
                lastRead[connection] = read;
                byte[] together = RequestsOfRead(lines, at, connection, read, application);
                if (together.Length > 0) sockets[connection].Send(together);
                continue;
            }
            if (ended.Contains(connection))
            {
                // The recorded application still answered the Flush behind its exception; this server closes.
                Assert.That(readers[connection].TryRead(out _), Is.False);
                continue;
            }
            if (line.GetProperty("kind").GetString() == "exception") ended.Add(connection);
            byte[] expected = line.GetProperty("frame").GetBytesFromBase64();
            Assert.That(readers[connection].TryRead(out ReadOnlySpan<byte> answer), Is.True, () => line.ToString());
            byte[] actual = new byte[Frame.PrefixSize((uint)answer.Length) + answer.Length];
            answer.CopyTo(actual.AsSpan(Frame.WritePrefix(actual, (uint)answer.Length)));
            Assert.That(actual, Is.EqualTo(expected), () => line.ToString());
            answers++;
        }
        foreach (Socket socket in sockets) socket.Dispose();
        return answers;
    }

    /// <summary>
    /// The frames of one recorded read, without requests in which the recorded process died. Makes the application fail
    /// where the recorded one did.
    /// </summary>
    private static byte[] RequestsOfRead(
        List<JsonElement> lines, int from, int connection, int read, RecorderApplication application)
    {
        List<byte> bytes = [];
        for (int at = from; at < lines.Count; at++)
        {
            if (!IsFrame(lines[at], connection, "req") || lines[at].GetProperty("rx").GetInt32() != read) continue;
            int before = lines.Take(at + 1).Count(line => IsFrame(line, connection, "req"));
            JsonElement answer = lines.Where(line => IsFrame(line, connection, "res")).ElementAtOrDefault(before - 1);
            if (answer.ValueKind == JsonValueKind.Undefined) continue;
            application.FailsNext |= answer.GetProperty("kind").GetString() == "exception";
            bytes.AddRange(lines[at].GetProperty("frame").GetBytesFromBase64());
        }
        return [.. bytes];
    }

    private static bool IsFrame(JsonElement line, int connection, string direction) =>
        line.TryGetProperty("frame", out _) && line.GetProperty("conn").GetInt32() == connection
        && line.GetProperty("dir").GetString() == direction;

    private static IEnumerable<JsonElement> Lines(string file) =>
        SharedData.Lines("7_cometbft_recordings", file.Split('/')[0], file.Split('/')[1]);
}
