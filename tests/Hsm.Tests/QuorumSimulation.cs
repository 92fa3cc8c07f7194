using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Hsm.Wire;
using Google.Protobuf;

namespace AppChain.Tests;

/// <summary>Ways to make recovery wrong on purpose; each must be found out.</summary>
internal enum Weakness
{
    None = 0,

    /// <summary>A machine takes part after a start without reading the others.</summary>
    TrustsItsDisk,

    /// <summary>A machine takes part once one of the others was read.</summary>
    ReadsOneOther,

    /// <summary>A machine signs with its own record alone.</summary>
    SignsAlone,
}

/// <summary>
/// Three signers of one validator in one thread and virtual time. The guard and the rules of witnesses are those of the
/// product; machines crash at every write, disks are set back to backups, messages are lost, late and doubled, links
/// break. Whatever happens, what leaves the signers is compared place by place.
/// </summary>
internal sealed class QuorumSimulation
{
    private const string Chain = "chain";
    private const int Machines = 3;

    private readonly Random _random;
    private readonly Weakness _weakness;
    private readonly PriorityQueue<Action, (long Time, int Order)> _events = new();
    private readonly Machine[] _machines;
    private readonly bool[,] _isCut = new bool[Machines, Machines];
    private readonly Dictionary<string, string> _signed = new(StringComparer.Ordinal);
    private readonly bool _hasFaults;
    private long _now;
    private int _order;
    private int _numbers;

    public QuorumSimulation(int seed, Weakness weakness = Weakness.None, bool hasFaults = true)
    {
        _random = new Random(seed);
        _weakness = weakness;
        _hasFaults = hasFaults;
        _machines = [.. Enumerable.Range(0, Machines).Select(i => new Machine(i))];
        foreach (Machine machine in _machines) Start(machine);
    }

    /// <summary>The first place with two contents, or null.</summary>
    public string? DoubleSign { get; private set; }

    /// <summary>Signatures that left, repeated ones included.</summary>
    public int Signatures { get; private set; }

    /// <summary>Restarts on a disk that was set back.</summary>
    public int SetBacks { get; private set; }

    /// <summary>Crashes in the middle of a write, or between two events.</summary>
    public int Crashes { get; private set; }

    /// <summary>A life of engines that ask anything, in almost any order, of any machine.</summary>
    public void Run(int requests)
    {
        long height = 1;
        for (int i = 0; i < requests && DoubleSign is null; i++)
        {
            Advance(_random.Next(0, 12));
            if (_random.Next(6) == 0) height++;
            long asked = Math.Max(1, height + _random.Next(-1, 2));
            Vote vote = Votes.Block(
                _random.Next(2) == 0 ? SignedMsgType.Prevote : SignedMsgType.Precommit, asked, _random.Next(2),
                (byte)_random.Next(3), _random.Next(3));
            // Often two engines ask for the same place at once, with contents of their own.
            Ask(_machines[_random.Next(Machines)], vote);
            if (_random.Next(2) == 0)
            {
                Vote other = Votes.Block(vote.Type, asked, vote.Round, (byte)_random.Next(3), _random.Next(3));
                Ask(_machines[_random.Next(Machines)], other);
            }
            Disturb();
        }
        Advance(500);
    }

    /// <summary>
    /// Three engines in step ask their own signers for the same; one machine is lost for good on the way.
    /// </summary>
    /// <returns>Rounds of which a step was signed by nobody.</returns>
    public int CountMissedRounds(int rounds)
    {
        Advance(200);
        int lostIn = _random.Next(rounds);
        int missed = 0;
        for (int round = 0; round < rounds; round++)
        {
            bool isComplete = true;
            foreach (SignedMsgType type in (SignedMsgType[])[SignedMsgType.Prevote, SignedMsgType.Precommit])
            {
                int before = _signed.Count;
                foreach (Machine machine in _machines)
                {
                    Vote vote = Votes.Block(type, 1 + (round / 4), round % 4, 1, _random.Next(100));
                    Schedule(_random.Next(8), () => Ask(machine, vote));
                }
                if (round == lostIn && type == SignedMsgType.Prevote)
                {
                    Machine lost = _machines[_random.Next(Machines)];
                    Schedule(_random.Next(30), () => Stop(lost, isForGood: true));
                }
                Advance(60);
                isComplete &= _signed.Count > before;
            }
            if (!isComplete) missed++;
        }
        return missed;
    }

    private void Disturb()
    {
        if (!_hasFaults) return;
        Machine machine = _machines[_random.Next(Machines)];
        switch (_random.Next(40))
        {
            case 0:
                Stop(machine, isForGood: false);
                break;
            case 1 when _machines.All(one => !one.IsSetBack):
                // One machine at a time: it starts on an old disk, or a new one.
                Stop(machine, isForGood: false);
                machine.IsSetBack = true;
                machine.Disk = _random.Next(8) == 0 || machine.Backups.Count == 0
                    ? SignState.Fresh
                    : machine.Backups[_random.Next(machine.Backups.Count)];
                SetBacks++;
                break;
            case 2:
            case 3:
                int other = (machine.Index + 1 + _random.Next(2)) % Machines;
                bool isCut = _random.Next(2) == 0;
                _isCut[machine.Index, other] = isCut;
                if (_random.Next(2) == 0) _isCut[other, machine.Index] = isCut;
                break;
            case 4:
            case 6:
            case 7:
                Array.Clear(_isCut);
                break;
            case 5:
                machine.Backups.Add(machine.Disk);
                break;
            default:
                break;
        }
    }

    private void Ask(Machine machine, Vote vote)
    {
        if (machine.Guard is not { } guard) return;
        SignStep step = vote.Type == SignedMsgType.Prevote ? SignStep.Prevote : SignStep.Precommit;
        try
        {
            (SignState recorded, _) = guard.Record(
                vote.Height, vote.Round, step, ByteString.CopyFrom(SignBytes.Vote(Chain, vote)));
            int number = _numbers++;
            machine.Attempts[number] = recorded;
            if (_weakness == Weakness.SignsAlone) Release(recorded);
            AskOthers(machine, WitnessRules.ToPosition(recorded), (_, reply) =>
            {
                if (reply.Recorded && machine.Attempts.Remove(number)) Release(recorded);
            });
        }
        catch (Exception error) when (error is SigningRefusedException or System.IO.IOException)
        {
            // Not signed.
        }
        catch (Crash)
        {
            Stop(machine, isForGood: false);
        }
    }

    private void Recover(Machine machine)
    {
        machine.IsRecovering = machine.Guard is { IsTrusted: false };
        if (machine.Guard is not { IsTrusted: false } guard) return;
        SignState?[] states = new SignState?[Machines];
        AskOthers(machine, null, (from, reply) =>
        {
            if (guard.IsTrusted) return;
            states[from] = WitnessRules.FromPosition(reply.Position);
            SignState[] told = [.. states.OfType<SignState>()];
            int needed = _weakness == Weakness.ReadsOneOther ? 1 : Quorum.Others;
            if (told.Length < needed) return;
            guard.Recover(told[0], told[^1]);
            machine.IsSetBack = false;
        });
        int life = machine.Life;
        Schedule(50, () =>
        {
            if (machine.Life == life) Recover(machine);
        });
    }

    /// <summary>Sends to both others and back, unless somebody dies meanwhile; messages may come twice.</summary>
    private void AskOthers(Machine from, Position? record, Action<int, WitnessReply> answered)
    {
        int life = from.Life;
        foreach (Machine to in _machines.Where(machine => machine != from))
        {
            WitnessRequest request = new()
            {
                ChainId = Chain,
                Seen = WitnessRules.ToPosition(from.Seen[to.Index]),
                Record = record,
            };
            Send(from, to, () =>
            {
                if (to.Guard is not { } guard) return;
                try
                {
                    WitnessReply reply = WitnessRules.Answer(guard, request);
                    if (!guard.IsTrusted && !to.IsRecovering) Recover(to);
                    Send(to, from, () =>
                    {
                        if (from.Life != life || from.Guard is null) return;
                        SignState told = WitnessRules.FromPosition(reply.Position);
                        if (told.IsAfter(from.Seen[to.Index])) from.Seen[to.Index] = told;
                        try
                        {
                            answered(to.Index, reply);
                        }
                        catch (Crash)
                        {
                            Stop(from, isForGood: false);
                        }
                    });
                }
                catch (Crash)
                {
                    Stop(to, isForGood: false);
                }
            });
        }
    }

    private void Send(Machine from, Machine to, Action arrive)
    {
        if (_isCut[from.Index, to.Index]) return;
        int copies = _hasFaults ? _random.Next(10) switch { 0 => 0, 1 => 2, _ => 1 } : 1;
        for (int i = 0; i < copies; i++)
        {
            int delay = _hasFaults && _random.Next(12) == 0 ? _random.Next(400) : _random.Next(1, 6);
            Schedule(delay, arrive);
        }
    }

    private void Start(Machine machine)
    {
        machine.Life++;
        machine.Guard = new SignGuard(machine.Disk, state => Save(machine, state),
            isTrusted: _weakness == Weakness.TrustsItsDisk);
        if (_weakness == Weakness.TrustsItsDisk) machine.IsSetBack = false;
        Recover(machine);
    }

    private void Stop(Machine machine, bool isForGood)
    {
        if (machine.Guard is null) return;
        Crashes++;
        machine.Guard = null;
        machine.Attempts.Clear();
        Array.Fill(machine.Seen, SignState.Fresh);
        if (!isForGood) Schedule(_random.Next(1, 100), () => Start(machine));
    }

    private void Save(Machine machine, SignState state)
    {
        if (_hasFaults && _random.Next(100) == 0) throw new Crash();
        machine.Disk = state;
        if (_hasFaults && _random.Next(100) == 0) throw new Crash();
    }

    private void Release(SignState recorded)
    {
        Signatures++;
        CanonicalVote vote = CanonicalVote.Parser.ParseFrom(recorded.Bytes.Span[1..]);
        string place = string.Create(
            CultureInfo.InvariantCulture, $"{recorded.Height}/{recorded.Round}/{recorded.Step}");
        string content = vote.BlockId is null ? "nil" : Convert.ToHexString(vote.BlockId.Hash.Span);
        if (!_signed.TryAdd(place, content) && _signed[place] != content)
        {
            DoubleSign ??= $"{place}: {_signed[place]} and {content}";
        }
    }

    private void Schedule(long delay, Action action) => _events.Enqueue(action, (_now + delay, _order++));

    private void Advance(long time)
    {
        long end = _now + time;
        while (_events.TryPeek(out Action? action, out (long Time, int Order) at) && at.Time <= end)
        {
            _events.Dequeue();
            _now = at.Time;
            action();
        }
        _now = end;
    }

    private sealed class Machine(int index)
    {
        public int Index { get; } = index;

        public SignState Disk { get; set; } = SignState.Fresh;

        public List<SignState> Backups { get; } = [];

        public SignGuard? Guard { get; set; }

        public int Life { get; set; }

        public bool IsSetBack { get; set; }

        public bool IsRecovering { get; set; }

        public SignState[] Seen { get; } = [.. Enumerable.Repeat(SignState.Fresh, Machines)];

        public Dictionary<int, SignState> Attempts { get; } = [];
    }

    private sealed class Crash : Exception;
}
