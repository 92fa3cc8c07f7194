using System.Linq;
using AppChain.Abci.Wire;
using AppChain.Node.Tests.Cli;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests.Queries;

/// <summary>QUERY-5: credited deposits come newest first, also on a node that was started after them.</summary>
[TestFixture]
public sealed class DepositQueryTests
{
    private static readonly long[] s_heights = [7, 3, 9, 3, 12];

    private static RowChange Row(int number) => RowChange.Added<Sha256Digest, CreditedDepositRow>(new CreditedDepositRow
    {
        DepositId = new Sha256Digest([(byte)number, .. new byte[31]]),
        Amount = 1 + number,
        Height = s_heights[number],
    });

    private static long[] Heights(ReadModel model, uint limit)
    {
        var request = new RequestQuery
        {
            Path = "/deposits",
            Data = new DepositsRequest { Limit = limit }.ToByteString(),
        };
        return [.. ((DepositsResponse)new QueryAnswers(model).Answer(request)).Deposits.Select(
            deposit => (long)deposit.Height)];
    }

    [Test]
    public void Rows_read_at_the_start_are_in_the_order_of_their_heights()
    {
        var model = new ReadModel();
        model.Apply([.. Enumerable.Range(0, 5).Select(Row)], [], 20, 1, new byte[32]);
        Assert.That(Heights(model, 0), Is.EqualTo(new long[] { 12, 9, 7, 3, 3 }));
        Assert.That(Heights(model, 2), Is.EqualTo(new long[] { 12, 9 }));
    }

    [Test]
    public void A_node_that_saw_them_come_says_the_same()
    {
        var model = new ReadModel();
        foreach (int number in new[] { 1, 3, 0, 2, 4 })
        {
            model.Apply([Row(number)], [], s_heights[number], 1, new byte[32]);
        }

        Assert.That(Heights(model, 0), Is.EqualTo(new long[] { 12, 9, 7, 3, 3 }));
    }
}
