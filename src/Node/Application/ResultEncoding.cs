using System.Globalization;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// A transaction's result as consensus hashes it: the code, and as data an encoded TransactionResult of
/// transaction.proto (TX-10). The log is for people and not hashed.
/// </summary>
public static class ResultEncoding
{
    private const string Codespace = "appchain";

    /// <summary>Encodes a result.</summary>
    public static ExecTxResult Of(TransactionResult result)
    {
        var encoded = new ExecTxResult { Code = (uint)result.Code, Data = Data(result) };
        if (result.Code != ResultCode.Ok)
        {
            encoded.Codespace = Codespace;
            encoded.Log = result.Needed > 0
                ? $"{Explanations.Of(result.Code)}: needs {result.Needed}, has {result.Available} micro-USD"
                : Explanations.Of(result.Code);
        }

        return encoded;
    }

    // Fields in order of number and no maps: the generated class writes the same bytes everywhere.
    private static ByteString Data(TransactionResult result)
    {
        var outcome = new V1.TransactionResult();
        if (result.Needed != 0 || result.Available != 0)
        {
            outcome.Needed = result.Needed.ToString(CultureInfo.InvariantCulture);
            outcome.Available = result.Available.ToString(CultureInfo.InvariantCulture);
        }

        foreach (OperationResult operation in result.Operations)
        {
            outcome.Operations.Add(new V1.OperationResult
            {
                Code = (uint)operation.Code,
                OrderId = operation.OrderId,
                Filled = (ulong)operation.Filled,
            });
        }

        return outcome.ToByteString();
    }
}
