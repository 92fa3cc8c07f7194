using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>When a process dies at a call.</summary>
public enum Fate
{
    /// <summary>It lives.</summary>
    Lives,

    /// <summary>Before the application has seen the call.</summary>
    DiesBefore,

    /// <summary>After the application has done it, before the engine hears of it.</summary>
    DiesAfter,
}

/// <summary>
/// Stands in front of an application and tapes every call and its answer, one at a time. It can kill the process at a
/// call, and let the validator lie: the engine then gets another answer than the one the application gave and the tape
/// holds.
/// </summary>
public class TapeRecorder : DispatchProxy
{
    private readonly Lock _lock = new();
    private IAbciApplication _application = null!;
    private Tape? _tape;
    private Func<IMessage, Fate> _fate = static _ => Fate.Lives;
    private Func<IMessage, IMessage, IMessage> _lie = static (_, answer) => answer;
    private Action _kill = static () => { };
    private bool _isDead;

    /// <summary>An application with a recorder in front of it.</summary>
    /// <param name="application">The application.</param>
    /// <param name="tape">Where to; null: nowhere.</param>
    /// <param name="fate">What becomes of the process at a call.</param>
    /// <param name="lie">What the engine gets for an answer.</param>
    /// <param name="kill">Ends the engine at once.</param>
    public static (IAbciApplication Served, TapeRecorder Recorder) For(
        IAbciApplication application, Tape? tape, Func<IMessage, Fate> fate, Func<IMessage, IMessage, IMessage> lie,
        Action kill)
    {
        IAbciApplication served = Create<IAbciApplication, TapeRecorder>();
        var recorder = (TapeRecorder)served;
        (recorder._application, recorder._tape, recorder._fate, recorder._lie, recorder._kill) =
            (application, tape, fate, lie, kill);
        return (served, recorder);
    }

    /// <summary>The process has died.</summary>
    public bool IsDead => Volatile.Read(ref _isDead);

    /// <summary>No further call reaches the application or the tape.</summary>
    public void Cut()
    {
        lock (_lock) _isDead = true;
    }

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? method, object?[]? arguments)
    {
        if (arguments?[0] is not IMessage request) return Call(method!, arguments);
        lock (_lock)
        {
            if (_isDead) throw new IOException("the process has died");
            _tape?.Add(TapeKind.Request, Enclose(new Request(), request));
            Fate fate = _fate(request);
            if (fate == Fate.DiesBefore) Die();
            var answer = (IMessage)Call(method!, arguments)!;
            if (fate == Fate.DiesAfter) Die();
            _tape?.Add(TapeKind.Answer, Enclose(new Response(), answer));
            return _lie(request, answer);
        }
    }

    private object? Call(MethodInfo method, object?[]? arguments) =>
        method.Invoke(_application, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private void Die()
    {
        _isDead = true;
        _kill();
        throw new IOException("the process dies here");
    }

    private static IMessage Enclose(IMessage envelope, IMessage message)
    {
        FieldDescriptor field = envelope.Descriptor.Fields.InDeclarationOrder()
            .Single(one => one.MessageType == message.Descriptor);
        field.Accessor.SetValue(envelope, message);
        return envelope;
    }
}
