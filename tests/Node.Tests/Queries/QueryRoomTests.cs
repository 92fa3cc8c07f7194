using System.Collections.Generic;
using System.Linq;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using NUnit.Framework;
using WithdrawalState = AppChain.StateMachine.WithdrawalState;

namespace AppChain.Node.Tests.Queries;

/// <summary>Answers stay short however many rows there are: commits wait while a question is answered.</summary>
[TestFixture]
public sealed class QueryRoomTests
{
    private readonly ReadModel _model = new();

    // QUERY-5
    [Test]
    public void A_thousand_withdrawals_are_shown_at_most_first_those_that_are_not_over_then_the_newest()
    {
        Apply(RowChange.Added<AccountId, AccountRow>(new AccountRow { Id = new AccountId(default, 0), Number = 0 }));
        for (ulong id = 1; id <= 1_500; id++)
        {
            Put(id, id is > 700 and <= 1_000 ? WithdrawalState.Releasable : WithdrawalState.Released);
        }

        Put(701, WithdrawalState.Released);
        List<ulong> expected = [.. Range(702, 1_000), .. Range(1_001, 1_500)];
        expected.InsertRange(0, Range(701 - (1_000 - expected.Count) + 1, 701));
        Assert.That(Numbers(), Is.EqualTo(expected));
        for (ulong id = 900; id <= 1_500; id++)
        {
            Apply(new RowChange(RowChange.KeyOf<ulong, WithdrawalRow>(id), null, true));
        }

        Assert.That(Numbers(), Is.EqualTo(Range(1, 899)));
        Assert.That(Numbers(new WithdrawalsRequest { WithdrawalId = 5 }), Is.EqualTo(new ulong[] { 5 }));
    }

    private static IEnumerable<ulong> Range(int from, int to) =>
        Enumerable.Range(from, to - from + 1).Select(id => (ulong)id);

    private IEnumerable<ulong> Numbers(WithdrawalsRequest? request = null)
    {
        var query = new RequestQuery
        {
            Path = "/withdrawals",
            Data = (request ?? new WithdrawalsRequest()).ToByteString(),
        };
        return ((WithdrawalsResponse)new QueryAnswers(_model).Answer(query)).Withdrawals
            .Select(row => row.WithdrawalId);
    }

    private void Put(ulong id, WithdrawalState state) => Apply(RowChange.Added<ulong, WithdrawalRow>(
        new WithdrawalRow { Id = id, State = state, Amount = 1, Destination = [1], Signatures = [] }));

    private void Apply(RowChange change) => _model.Apply([change], [], 1, 1, []);
}
