using System;
using System.Collections.Concurrent;
using System.Globalization;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;

namespace AppChain.Hsm;

/// <summary>
/// Figures of a signer process in the text format of Prometheus. A series is named as it is printed, labels included.
/// Thread safe.
/// </summary>
public sealed class SignerMetrics
{
    private static readonly double[] Bounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4];

    private readonly ConcurrentDictionary<string, StrongBox<long>> _values = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Histogram> _histograms = new(StringComparer.Ordinal);

    /// <summary>Adds one to a counter.</summary>
    public void Count(string series) => Interlocked.Increment(ref ValueOf(series));

    /// <summary>Sets a gauge.</summary>
    public void Set(string series, long value) => Interlocked.Exchange(ref ValueOf(series), value);

    /// <summary>A counter or gauge; 0 when it was never touched.</summary>
    public long Value(string series) =>
        _values.TryGetValue(series, out StrongBox<long>? value) ? Interlocked.Read(ref value.Value) : 0;

    /// <summary>Adds a duration to a histogram.</summary>
    public void Observe(string name, TimeSpan duration) =>
        _histograms.GetOrAdd(name, static _ => new Histogram(Bounds.Length + 1)).Add(duration.TotalSeconds);

    /// <summary>A name with labels, their values escaped.</summary>
    public static string Series(string name, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        StringBuilder text = new(name);
        char open = '{';
        foreach ((string label, string value) in labels)
        {
            string escaped = value.Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            text.Append(open).Append(label).Append("=\"").Append(escaped).Append('"');
            open = ',';
        }
        return labels.IsEmpty ? name : text.Append('}').ToString();
    }

    /// <summary>Everything, one line per series.</summary>
    public string Text()
    {
        StringBuilder text = new();
        string family = "";
        foreach ((string series, StrongBox<long> value) in _values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            string name = series.Split('{')[0];
            if (name != family)
            {
                string type = name.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge";
                text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
            }
            family = name;
            text.Append(CultureInfo.InvariantCulture, $"{series} {Interlocked.Read(ref value.Value)}\n");
        }
        foreach ((string name, Histogram histogram) in _histograms.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            histogram.Print(name, text);
        }
        return text.ToString();
    }

    private ref long ValueOf(string series) => ref _values.GetOrAdd(series, static _ => new StrongBox<long>()).Value;

    private sealed class Histogram(int buckets)
    {
        private readonly long[] _counts = new long[buckets];
        private double _sum;

        public void Add(double value)
        {
            int bucket = 0;
            while (bucket < Bounds.Length && value > Bounds[bucket]) bucket++;
            lock (_counts)
            {
                _counts[bucket]++;
                _sum += value;
            }
        }

        public void Print(string name, StringBuilder text)
        {
            lock (_counts)
            {
                long total = 0;
                text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} histogram\n");
                for (int i = 0; i < _counts.Length; i++)
                {
                    total += _counts[i];
                    string bound = i < Bounds.Length ? Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
                    text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{le=\"{bound}\"}} {total}\n");
                }
                text.Append(CultureInfo.InvariantCulture, $"{name}_sum {_sum:0.######}\n{name}_count {total}\n");
            }
        }
    }
}
