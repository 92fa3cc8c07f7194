using System;
using System.Collections.Generic;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

[TestFixture]
public sealed class BatchFileTests
{
    [Test]
    public void Json_and_csv_say_the_same()
    {
        IReadOnlyList<IReadOnlyDictionary<string, string>> json = BatchFile.Parse(
            """
            [{"op": "place", "market": "BTC-PERP", "price": 0.10, "reduce_only": true},
             {"op": "cancel", "order_id": "5"}]
            """);
        IReadOnlyList<IReadOnlyDictionary<string, string>> csv = BatchFile.Parse(
            "op,market,price,reduce_only,order_id\r\nplace,BTC-PERP,0.10,true,\r\n\r\ncancel,,,,5\r\n");
        Assert.That(json, Is.EqualTo(csv));
        Assert.That(json[0]["price"], Is.EqualTo("0.10"));
    }

    [TestCase("{}", "a batch in JSON is a list")]
    [TestCase("[1]", "operation 1 is no object")]
    [TestCase("[{\"op\": \"cancel\", \"op\": \"place\"}]", "operation 1: 'op' is there twice")]
    [TestCase("[{\"op\": null}]", "operation 1: 'op' is neither text nor a number")]
    [TestCase("[{", "the batch is not JSON")]
    [TestCase("market,price\n1,2", "one of them 'op'")]
    [TestCase("op,market\nplace", "line 2 has 1 cells, the first line 2")]
    [TestCase("op,op\nplace,place", "the column 'op' is there twice")]
    public void Damaged_batch_names_the_place(string text, string message) =>
        Assert.That(() => BatchFile.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains(message));
}
