using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>One event and the block it happened in.</summary>
internal readonly record struct RecordedEvent(long Height, long Time, ExchangeEvent Event);

/// <summary>
/// What happened in the blocks since the node started: recent fills and steps of liquidations, and counts. Part of
/// <see cref="ReadModel"/>, under its gate.
/// </summary>
internal sealed class EventHistory
{
    // BOUND: events kept of each sort.
    private const int EventsMax = 20_000;

    private readonly Queue<RecordedEvent> _fills = new();
    private readonly Queue<RecordedEvent> _steps = new();

    /// <summary>Recent fills, oldest first.</summary>
    public IReadOnlyCollection<RecordedEvent> Fills => _fills;

    /// <summary>Recent liquidation steps, oldest first.</summary>
    public IReadOnlyCollection<RecordedEvent> Steps => _steps;

    /// <summary>Fills.</summary>
    public long FillCount { get; private set; }

    /// <summary>Blocks after which every row was visited.</summary>
    public long CheckedCount { get; private set; }

    /// <summary>Accounts found below maintenance margin.</summary>
    public long LiquidationCount { get; private set; }

    /// <summary>Deleveragings.</summary>
    public long DeleveragingCount { get; private set; }

    /// <summary>Transactions refused in blocks, by code.</summary>
    public SortedDictionary<uint, ulong> Refused { get; } = [];

    /// <summary>Takes in an event of a committed block.</summary>
    public void Record(in RecordedEvent recorded)
    {
        switch (recorded.Event.Kind)
        {
            case EventKind.Fill:
                FillCount++;
                Keep(_fills, recorded);
                break;
            case EventKind.LiquidationOpened:
                LiquidationCount++;
                Keep(_steps, recorded);
                break;
            case EventKind.Deleveraging:
                DeleveragingCount++;
                Keep(_steps, recorded);
                break;
            case EventKind.LiquidationSlice or EventKind.InsuranceFundChanged or EventKind.LiquidationClosed
                or EventKind.LiquidationDeferred:
                Keep(_steps, recorded);
                break;
            default:
                break;
        }
    }

    /// <summary>Counts what was refused in a committed block, and whether every row was visited after it.</summary>
    public void Count(ImmutableArray<TransactionResult> results, bool isEveryRowChecked)
    {
        CheckedCount += isEveryRowChecked ? 1 : 0;
        foreach (TransactionResult result in results)
        {
            if (result.Code != ResultCode.Ok)
            {
                Refused[(uint)result.Code] = Refused.GetValueOrDefault((uint)result.Code) + 1;
            }
        }
    }

    private static void Keep(Queue<RecordedEvent> ring, in RecordedEvent recorded)
    {
        ring.Enqueue(recorded);
        if (ring.Count > EventsMax)
        {
            ring.Dequeue();
        }
    }
}
