using System;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Localnet;
using AppChain.Node;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>
/// The application of a validator in process. Each call is a step before and after which the validator can die, and
/// each result that all must agree on is shown to the auditor. A liar's calls are changed on the way.
/// </summary>
internal sealed class DirectApplication(World world, Machine machine, Application application) : IApplication
{
    private bool _awaitsCommit;
    private ResponseFinalizeBlock? _finalized;
    private RequestFinalizeBlock? _request;

    public ResponseInfo Info(RequestInfo request)
    {
        ResponseInfo info = Call(1, () => application.Info(Sent(request)));
        world.Auditor.OnRestart(machine.Index, info);
        return info;
    }

    public ResponseQuery Query(RequestQuery request) => application.Query(request);

    public ResponseInitChain InitChain(RequestInitChain request) => Call(2, () => application.InitChain(Sent(request)));

    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request)
    {
        ResponsePrepareProposal honest = Call(3, () => application.PrepareProposal(Sent(request)));
        return world.IsLiar(machine.Index) ? world.Liars.Propose(machine.Index, request, honest) : honest;
    }

    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request)
    {
        TakeTurn(request.Height);
        ResponseProcessProposal answer = Call(4, () => application.ProcessProposal(Sent(request)));
        if (!world.IsLiar(machine.Index)) return answer;
        return world.Lies(Lie.AcceptEverything)
            ? new ResponseProcessProposal { Status = ProposalStatus.Accept }
            : answer;
    }

    public ResponseExtendVote ExtendVote(RequestExtendVote request)
    {
        ResponseExtendVote honest = Call(5, () => application.ExtendVote(Sent(request)));
        return world.IsLiar(machine.Index) ? world.Liars.Extend(machine.Index, honest) : honest;
    }

    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
        Call(6, () => application.VerifyVoteExtension(Sent(request)));

    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request)
    {
        TakeTurn(request.Height);
        ResponseFinalizeBlock response = Call(7, () => application.FinalizeBlock(Sent(request)));
        (_awaitsCommit, _finalized, _request) = (true, response, request);
        machine.IsChanging = response.ValidatorUpdates.Count > 0 || response.ConsensusParamUpdates is not null;
        world.Auditor.OnFinalized(machine.Index, request, response);
        return response;
    }

    public ResponseCommit Commit()
    {
        if (!_awaitsCommit)
            throw new Violation("call order", $"validator {machine.Index}: Commit without FinalizeBlock");
        _awaitsCommit = false;
        ResponseCommit response = Call(8, () => application.Commit(new RequestCommit()));
        world.Auditor.OnCommitted(machine, _request!, _finalized!);
        return response;
    }

    // No death in here: the engine checks transactions beside consensus, and what fails there fails alone.
    public Task<ResponseCheckTx> CheckTx(RequestCheckTx request) => Task.FromResult(application.CheckTx(request));

    public void PushMempool()
    {
    }

    public void FlushMempool()
    {
    }

    // All have the same rows, which their app hashes prove; so for each block one of them visits every row.
    private void TakeTurn(long height) =>
        application.CheckEveryRow = height % world.Swarm.Validators == machine.Index;

    private T Sent<T>(T request) where T : IMessage<T> => world.Swarm.Encodes ? Wire.Again(request) : request;

    private T Call<T>(int number, Func<T> call) where T : IMessage<T>
    {
        if (_awaitsCommit)
            throw new Violation(
                "call order", $"validator {machine.Index}: call {number} between FinalizeBlock and Commit");
        world.Step(machine.Index, StepKind.BeforeCall, number);
        T answer;
        try
        {
            answer = call();
            if (world.Swarm.Encodes) answer = Wire.Again(answer);
        }
        catch (StorageException) when (world.Faulty && world.Swarm.DiskFull > 0)
        {
            // The node stops; whoever operates it makes room and starts it again.
            throw new SimulatedCrash();
        }
        world.Step(machine.Index, StepKind.AfterCall, number);
        return answer;
    }
}
