using System;

namespace AppChain.Node;

/// <summary>Why a query has no answer: the code of its response (docs/spec/queries.md, QUERY-2).</summary>
internal enum QueryCode
{
    /// <summary>The request does not parse, or a field is missing or out of range.</summary>
    Malformed = 1,

    /// <summary>There is no such path.</summary>
    NoSuchPath = 2,

    /// <summary>There is no such market or account, or no block yet.</summary>
    NotFound = 3,

    /// <summary>The state of that height is not kept.</summary>
    HeightGone = 4,
}

/// <summary>A query has no answer: becomes the code and the log of its response.</summary>
internal sealed class QueryRefused(QueryCode code, string log) : Exception(log)
{
    /// <summary>Code of the response.</summary>
    public QueryCode Code { get; } = code;
}
