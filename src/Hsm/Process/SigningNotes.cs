using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;

namespace AppChain.Hsm;

/// <summary>Notes what became of every request for one key: in the audit log, if there is one, and in
/// figures.</summary>
public sealed class SigningNotes
{
    private readonly string _chainId;
    private readonly AuditLog? _audit;
    private readonly string _heightSeries;

    // Names of the series of requests, each spelt once.
    private readonly ConcurrentDictionary<(SignStep Step, string Outcome), string> _requestSeries = new();

    /// <summary>Of one chain.</summary>
    public SigningNotes(string chainId, AuditLog? audit, SignerMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        _chainId = chainId;
        _audit = audit;
        _heightSeries = SignerMetrics.Series("appchain_signer_height", ("chain", chainId));
        Metrics = metrics;
    }

    /// <summary>The figures of the process.</summary>
    public SignerMetrics Metrics { get; }

    /// <summary>
    /// Runs a request and notes its outcome before the result is returned: what cannot be noted does not leave.
    /// </summary>
    internal T Note<T>(
        long height, int round, SignStep step, BlockID? block, Func<(T Result, bool IsRepeated)> request)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            (T result, bool isRepeated) = request();
            string outcome = isRepeated ? "repeated" : "signed";
            Write(new AuditEntry(outcome, height, round, step, TextOf(block), ""));
            Metrics.Observe("appchain_signer_seconds", Stopwatch.GetElapsedTime(start));
            Metrics.Set(_heightSeries, height);
            return result;
        }
        catch (Exception error)
        {
            string outcome = error is SigningRefusedException ? "refused" : "failed";
            Write(new AuditEntry(outcome, height, round, step, Bounded(TextOf(block)), Bounded(error.Message)));
            throw;
        }
    }

    /// <summary>Notes something else.</summary>
    public void Write(AuditEntry entry)
    {
        Metrics.Count(_requestSeries.GetOrAdd(
            (entry.Step, entry.Outcome),
            static (request, chainId) => SignerMetrics.Series("appchain_signer_requests_total",
                ("chain", chainId), ("step", request.Step.ToString()), ("outcome", request.Outcome)),
            _chainId));
        _audit?.Append(_chainId, entry);
    }

    // Only the audit log shows it.
    private string TextOf(BlockID? block) =>
        _audit is null ? ""
        : block is null || BlockIds.IsNil(block) ? "nil"
        : Convert.ToHexStringLower(block.Hash.Span);

    // BOUND: what a node sends may appear in a reason or as a block hash of any length; a line stays short.
    private static string Bounded(string text) => text.Length <= 500 ? text : text[..500];
}
