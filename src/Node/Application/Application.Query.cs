using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using AppChain.V1;
using Cosmos.Ics23.V1;
using Google.Protobuf;

namespace AppChain.Node;

public sealed partial class Application
{
    private const string QueryCodespace = "query";

    /// <inheritdoc/>
    /// <remarks>Paths, requests and answers: docs/spec/queries.md. Reads committed data only.</remarks>
    public ResponseQuery Query(RequestQuery request)
    {
        try
        {
            if (_committed is not { } committed)
            {
                throw new QueryRefused(QueryCode.NotFound, "there is no block yet: ask again in a moment");
            }

            if (request.Path == "/proof")
            {
                return Prove(request, committed);
            }

            var answers = new QueryAnswers(_model);
            answers.Prepare(request);
            using (_model.EnterToRead())
            {
                return new ResponseQuery
                {
                    Value = answers.Answer(request).ToByteString(),
                    Height = _model.Height,
                };
            }
        }
        catch (QueryRefused refused)
        {
            return Refuse(refused.Code, refused.Message);
        }
        catch (MalformedMessageException)
        {
            return Refuse(QueryCode.Malformed, "the data is not the request of this path");
        }
    }

    private static ResponseQuery Refuse(QueryCode code, string log) =>
        new() { Code = (uint)code, Codespace = QueryCodespace, Log = log };

    // Without a lock: versions of the tree do not change. One that leaves the window while it is read is refused, as if
    // the question had come later.
    private static ResponseQuery Prove(RequestQuery request, Committed committed)
    {
        byte[] key = ProofRequest.Parser.Read(request.Data.Span).Key.ToByteArray();
        if (key.Length == 0)
        {
            throw new QueryRefused(QueryCode.Malformed, "the key is empty");
        }

        StateTree tree = committed.Tree;
        long height = request.Height == 0 ? committed.Height : request.Height;
        StateProof? proof = null;
        byte[]? value = null;
        CommitmentProof? ics23 = null;
        bool isProven = height <= committed.Height
            && tree.TryProve(height, key, out proof)
            && (proof.Kind != StateProofKind.Present || tree.TryGet(height, key, out value))
            && (Ics23Export.TryProve(tree, height, key, out ics23) || proof.Kind != StateProofKind.Present)
            && height >= tree.OldestVersion;
        if (!isProven)
        {
            throw new QueryRefused(
                QueryCode.HeightGone,
                $"the state of height {height} is not kept: ask for {tree.OldestVersion} to {committed.Height}");
        }

        var answer = new ProofResponse
        {
            Height = (ulong)height,
            Key = ByteString.CopyFrom(key),
            Exists = value is not null,
            Value = ByteString.CopyFrom(value ?? []),
            Proof = ByteString.CopyFrom(proof!.Encode()),
            Ics23Proof = ics23?.ToByteString() ?? ByteString.Empty,
        };
        return new ResponseQuery { Key = answer.Key, Value = answer.ToByteString(), Height = height };
    }
}
