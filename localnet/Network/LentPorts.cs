using System;
using System.Globalization;
using System.IO;

namespace AppChain.Localnet;

/// <summary>
/// The ports that the system lends to outgoing connections. A node that listens on one of them may find it taken when
/// it starts again, by a connection that its peers made meanwhile.
/// </summary>
/// <param name="First">Lowest port lent.</param>
/// <param name="Last">Highest port lent.</param>
internal readonly record struct LentPorts(int First, int Last)
{
    private const string Source = "/proc/sys/net/ipv4/ip_local_port_range";

    /// <summary>What this system lends; what Linux lends by default where the system does not say.</summary>
    public static LentPorts Read() => File.Exists(Source) ? Parse(File.ReadAllText(Source)) : new(32_768, 60_999);

    /// <summary>Two numbers, separated by white space.</summary>
    /// <exception cref="FormatException">It is not two numbers.</exception>
    public static LentPorts Parse(string text)
    {
        string[] numbers = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return numbers.Length == 2
            && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
            && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out int last)
            ? new(first, last)
            : throw new FormatException($"not a range of ports: '{text}'");
    }

    /// <summary>What to say of a run whose ports are among those lent; null when none is.</summary>
    /// <param name="first">Its first port.</param>
    /// <param name="last">Its last port.</param>
    public string? Warning(int first, int last) => last < First || first > Last
        ? null
        : string.Create(
            CultureInfo.InvariantCulture,
            $"ports {first} to {last} reach into {First} to {Last}, which the system lends to outgoing connections: " +
            $"a node may find its port taken; choose a --port of at most {First - (last - first) - 1}");
}
