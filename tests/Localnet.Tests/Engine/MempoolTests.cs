using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class MempoolTests
{
    [Test]
    public void Transactions_are_admitted_in_the_order_of_submission_even_if_answers_come_otherwise()
    {
        SlowApplication application = new();
        Mempool mempool = NewMempool(application);
        Task[] submissions = [.. "abc".Select(name => (Task)mempool.Submit(Tx($"{name}")))];
        application.Answer(2);
        application.Answer(0);
        Assert.That(() => Content(mempool), Is.EqualTo("a").After(2000, 5));
        application.Answer(1);
        Task.WaitAll(submissions);
        Assert.That(Content(mempool), Is.EqualTo("a b c"));
    }

    [Test]
    public void Reaping_stops_at_the_first_transaction_that_does_not_fit()
    {
        Mempool mempool = NewMempool(new RecorderApplication("0"));
        foreach (string text in (string[])["aa", "bbbbbbbbbb", "c"]) mempool.Submit(Tx(text)).Wait();
        Assert.That(mempool.Reap(maximumBytes: 8, -1).Count, Is.EqualTo(1), "the third would fit but comes later");
        Assert.That(mempool.Reap(-1, maximumGas: 12).Count, Is.EqualTo(2));
        Assert.That(mempool.Reap(-1, -1).Count, Is.EqualTo(3));
        Assert.That(mempool.Reap(4, -1).Count, Is.EqualTo(1), "tag, length and two bytes");
    }

    [Test]
    public void Limits_refuse_in_the_order_of_the_protocol()
    {
        MempoolOptions options = new() { MaximumCount = 2, MaximumBytes = 20, MaximumTransactionBytes = 8 };
        Mempool mempool = new(new RecorderApplication("0"), options, ParameterRules.Default);
        Assert.That(Refusal(mempool, "123456789"), Does.StartWith("Tx too large"));
        mempool.Submit(Tx("first")).Wait();
        Assert.That(Refusal(mempool, "first"), Is.EqualTo("tx already exists in cache"));
        mempool.Submit(Tx("second")).Wait();
        Assert.That(Refusal(mempool, "first"), Does.StartWith("mempool is full"));
    }

    [Test]
    public void A_refused_transaction_may_be_tried_again_and_a_committed_one_may_not()
    {
        Mempool mempool = NewMempool(new RecorderApplication("0"));
        Assert.That(mempool.Submit(Tx("bad")).Result.Code, Is.EqualTo(3));
        Assert.That(mempool.Submit(Tx("bad")).Result.Code, Is.EqualTo(3));
        mempool.Submit(Tx("good")).Wait();
        mempool.Submit(Tx("fails")).Wait();
        Commit(mempool, ("good", 0), ("fails", 7), ("foreign", 0));
        Assert.That(mempool.Size, Is.EqualTo((0, 0L)));
        Assert.That(Refusal(mempool, "good"), Is.EqualTo("tx already exists in cache"));
        Assert.That(Refusal(mempool, "foreign"), Is.EqualTo("tx already exists in cache"));
        Assert.That(mempool.Submit(Tx("fails")).Result.Code, Is.Zero);
    }

    [Test]
    public void What_remains_after_a_block_is_checked_again_in_order()
    {
        RecorderApplication application = new("0");
        Mempool mempool = NewMempool(application);
        foreach (string text in (string[])["a", "b", "c", "d"]) mempool.Submit(Tx(text)).Wait();
        application.RefusedAtRecheck.Add("c");
        Commit(mempool, ("a", 0));
        Assert.That(Content(mempool), Is.EqualTo("b d"));
        Assert.That(mempool.Submit(Tx("c")).Result.Code, Is.Zero, "a refused one is forgotten");
    }

    [Test]
    public void The_least_recently_seen_hash_is_forgotten_first()
    {
        MempoolOptions options = new() { CacheSize = 2 };
        Mempool mempool = new(new RecorderApplication("0"), options, ParameterRules.Default);
        mempool.Submit(Tx("a")).Wait();
        mempool.Submit(Tx("b")).Wait();
        Assert.That(Refusal(mempool, "a"), Does.Contain("exists"), "which makes it the most recent");
        mempool.Submit(Tx("c")).Wait();
        Assert.That(Refusal(mempool, "a"), Does.Contain("exists"));
        Assert.That(mempool.Submit(Tx("b")).Result.Code, Is.Zero);
    }

    [Test]
    public void Only_what_a_client_submitted_is_passed_on()
    {
        Mempool mempool = NewMempool(new RecorderApplication("0"));
        List<string> passedOn = [];
        mempool.Admitted = transaction => passedOn.Add(transaction.ToStringUtf8());
        mempool.Submit(Tx("client")).Wait();
        mempool.Receive(Tx("peer")).Wait();
        mempool.Receive(Tx("peer")).Wait();
        Assert.That(passedOn, Is.EqualTo(new[] { "client" }));
        Assert.That(Content(mempool), Is.EqualTo("client peer"));
    }

    [Test]
    public void A_lock_waits_for_answers_and_keeps_new_transactions_out()
    {
        SlowApplication application = new();
        Mempool mempool = NewMempool(application);
        Task before = mempool.Submit(Tx("before"));
        Task locking = Task.Run(mempool.Lock);
        Assert.That(locking.Wait(50), Is.False);
        application.Answer(0);
        Assert.That(Task.WaitAll([locking, before], 5000));
        Task after = mempool.Submit(Tx("after"));
        Assert.That(application.Count, Is.EqualTo(1));
        mempool.Unlock();
        Assert.That(() => application.Count, Is.EqualTo(2).After(2000, 5));
        application.Answer(1);
        Assert.That(after.Wait(5000));
        Assert.That(Content(mempool), Is.EqualTo("before after"));
    }

    private static Mempool NewMempool(IApplication application) =>
        new(application, new MempoolOptions(), ParameterRules.Default);

    private static ByteString Tx(string text) => ByteString.CopyFromUtf8(text);

    private static string Content(Mempool mempool) =>
        string.Join(' ', mempool.First(int.MaxValue).Select(transaction => transaction.ToStringUtf8()));

    private static string? Refusal(Mempool mempool, string text)
    {
        AggregateException? error = Assert.Throws<AggregateException>(() => mempool.Submit(Tx(text)).Wait());
        return (error?.InnerException as MempoolRefusal)?.Message;
    }

    private static void Commit(Mempool mempool, params (string Text, uint Code)[] block)
    {
        mempool.Lock();
        mempool.Update([.. block.Select(item => Tx(item.Text))],
            [.. block.Select(item => new ExecTxResult { Code = item.Code })], ParameterRules.Default);
        mempool.Unlock();
    }

    /// <summary>Answers CheckTx when the test says so, and accepts everything.</summary>
    private sealed class SlowApplication : IApplication
    {
        private readonly List<TaskCompletionSource<ResponseCheckTx>> _answers = [];

        public int Count => _answers.Count;

        public void Answer(int index) => _answers[index].SetResult(new ResponseCheckTx());

        public Task<ResponseCheckTx> CheckTx(RequestCheckTx request)
        {
            _answers.Add(new TaskCompletionSource<ResponseCheckTx>());
            return _answers[^1].Task;
        }

        public void PushMempool()
        {
        }

        public void FlushMempool()
        {
        }

        public ResponseInfo Info(RequestInfo request) => throw new NotSupportedException();

        public ResponseQuery Query(RequestQuery request) => throw new NotSupportedException();

        public ResponseInitChain InitChain(RequestInitChain request) => throw new NotSupportedException();

        public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) =>
            throw new NotSupportedException();

        public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) =>
            throw new NotSupportedException();

        public ResponseExtendVote ExtendVote(RequestExtendVote request) => throw new NotSupportedException();

        public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
            throw new NotSupportedException();

        public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) => throw new NotSupportedException();

        public ResponseCommit Commit() => throw new NotSupportedException();
    }
}
