using System;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>
/// Which changes of powers the guardians approve where validators lie: none by which liars could have a third of the
/// power that votes at any height.
/// </summary>
/// <remarks>
/// Two guardians decide, so a proposal does nothing before one approves it besides its author. One at a time is
/// approved: until it has executed or never will, the set can only lose liars meanwhile, to evidence, and they have no
/// greater share of what is left.
/// </remarks>
internal sealed class PowerOfLiars(World world)
{
    private (ulong Proposal, long Until) _approved;

    /// <summary>What a guardian does about an open proposal; null: it waits.</summary>
    public OperationKind? Judge(ulong proposal)
    {
        if (world.Swarm.Liars == 0 || world.Auditor.Engines.Proposal(proposal)?.Content is not ValidatorPowers powers)
            return OperationKind.ApproveProposal;

        // Whatever the set is when it executes: a change that is out of date may fit again when evidence removes a
        // liar.
        if (!world.AreFewerThanAThird(world.Auditor.Engines.Newest.Changed(powers))) return OperationKind.VetoProposal;
        if (proposal != _approved.Proposal && MayStillExecute()) return null;
        _approved = (proposal, world.Auditor.Height + Traders.LongestValidity);
        return OperationKind.ApproveProposal;
    }

    // The approval may still come into a block, or has come and waits for its time.
    private bool MayStillExecute() => world.Auditor.Engines.Proposal(_approved.Proposal) is { } known
        && (known.Approvals >= Guardians.Threshold || world.Auditor.Engines.Decided < _approved.Until);
}
