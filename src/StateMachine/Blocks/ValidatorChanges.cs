using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Step 1 of a block: validator sets by the height from which they vote. A change made in block H votes from H + 2, as
/// CometBFT applies it.
/// </summary>
internal static class ValidatorChanges
{
    /// <summary>Blocks between a change and the first vote of the changed set.</summary>
    private const int Delay = 2;

    /// <summary>The set that votes at a height: the newest whose first height is not above it.</summary>
    public static ImmutableArray<Validator> At(State state, long height)
    {
        ImmutableArray<Validator> found = default;
        // ORDER: ascending by first height; a handful of rows, old ones are removed every block.
        foreach (int slot in state.ValidatorSets.SlotsInKeyOrder(Comparer<long>.Default))
        {
            ref readonly ValidatorSetRow row = ref state.ValidatorSets.Read(slot);
            if (found.IsDefault || row.FromHeight <= height)
            {
                found = row.Validators;
            }
        }

        Invariant.Assert(!found.IsDefault);
        return found;
    }

    /// <summary>
    /// Removes the validators against whom the block carries evidence, and forgets sets that no later block needs.
    /// The last validator is never removed: a chain without validators could not even halt in order.
    /// </summary>
    public static ImmutableArray<ValidatorUpdate> Execute(State state, Block block, BlockContext context)
    {
        ImmutableArray<ValidatorUpdate> updates = Punish(state, block, context);
        ForgetOld(state, block.Height);
        return updates;
    }

    private static ImmutableArray<ValidatorUpdate> Punish(State state, Block block, BlockContext context)
    {
        if (block.Misbehavior.IsEmpty)
        {
            return [];
        }

        ImmutableArray<Validator> set = At(state, long.MaxValue);
        var updates = ImmutableArray.CreateBuilder<ValidatorUpdate>();
        foreach (Misbehavior misbehavior in block.Misbehavior)
        {
            // BOUND: at most Limits.ValidatorsMax members.
            for (int i = 0; i < set.Length && set.Length > 1; i++)
            {
                Validator validator = set[i];
                if (validator.Address != misbehavior.Validator)
                {
                    continue;
                }

                set = set.RemoveAt(i);
                updates.Add(new ValidatorUpdate(validator.PublicKey, 0));
                context.Emit(new ExchangeEvent
                {
                    Kind = EventKind.ValidatorRemoved,
                    Account = -1,
                    Counterparty = -1,
                    Amount = validator.Power,
                    Reason = (byte)misbehavior.Kind,
                });
                break;
            }
        }

        if (updates.Count > 0)
        {
            long from = block.Height + Delay;
            if (state.ValidatorSets.TryFind(from, out int slot))
            {
                state.ValidatorSets.Write(slot).Validators = set;
            }
            else
            {
                state.ValidatorSets.Add(new ValidatorSetRow { FromHeight = from, Validators = set });
            }
        }

        return updates.ToImmutable();
    }

    private static void ForgetOld(State state, long height)
    {
        if (state.ValidatorSets.Count == 1)
        {
            return;
        }

        // The next block verifies the votes of this height: keep the set in force now, and later ones.
        int[] slots = state.ValidatorSets.SlotsInKeyOrder(Comparer<long>.Default);
        for (int i = 0; i + 1 < slots.Length; i++)
        {
            if (state.ValidatorSets.Read(slots[i + 1]).FromHeight <= height - 1)
            {
                state.ValidatorSets.Remove(slots[i]);
            }
        }
    }
}
