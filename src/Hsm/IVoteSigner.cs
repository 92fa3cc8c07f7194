using System;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;

namespace AppChain.Hsm;

/// <summary>
/// Whoever signs for one validator of one chain: the guard itself, or a connection to a process that holds it.
/// </summary>
public interface IVoteSigner
{
    /// <summary>The key that the signatures belong to.</summary>
    PublicKey PublicKey();

    /// <summary>
    /// A copy of the vote with its signature and, for a precommit on a block, the signature of its extension. The time
    /// may be another one than asked for: that of the same vote signed before.
    /// </summary>
    /// <exception cref="SigningRefusedException">The signer will not sign it, now or later.</exception>
    /// <exception cref="System.IO.IOException">The signer cannot be reached.</exception>
    Vote SignVote(Vote vote);

    /// <summary>A copy of the proposal with its signature.</summary>
    /// <exception cref="SigningRefusedException">The signer will not sign it, now or later.</exception>
    /// <exception cref="System.IO.IOException">The signer cannot be reached.</exception>
    Proposal SignProposal(Proposal proposal);
}

/// <summary>A request that is not signed, and why.</summary>
public sealed class SigningRefusedException : Exception
{
    /// <summary>With the reason.</summary>
    public SigningRefusedException(string message) : base(message)
    {
    }
}
