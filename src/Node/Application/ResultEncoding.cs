using AppChain.Abci.Wire;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// A transaction's result as consensus hashes it: the code, and as data three varints per operation: code, id of the
/// order placed, lots filled at once (docs/spec/transactions.md). The log is for people and not hashed.
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

    private static ByteString Data(TransactionResult result)
    {
        if (result.Operations.IsEmpty)
        {
            return ByteString.Empty;
        }

        using var stream = new System.IO.MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            foreach (OperationResult operation in result.Operations)
            {
                output.WriteUInt32((uint)operation.Code);
                output.WriteUInt64(operation.OrderId);
                output.WriteUInt64((ulong)operation.Filled);
            }
        }

        return ByteString.CopyFrom(stream.ToArray());
    }
}
