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
    public static void Execute(State state, Block block, BlockContext context)
    {
        Punish(state, block, context);
        ForgetOld(state, block.Height);
    }

    /// <summary>
    /// Changes powers as guardians decided; false while a change is on its way that no block has been voted on by, or
    /// where the set does not allow it.
    /// </summary>
    public static bool TryChange(State state, ulong proposal, ValidatorPowers powers, BlockContext context)
    {
        ImmutableArray<Validator> set = At(state, long.MaxValue);
        if (At(state, context.Height) != set || !powers.TryApply(set, out ImmutableArray<Validator> changed))
        {
            return false;
        }

        Begin(state, context.Height, changed);
        foreach (PowerChange change in powers.Changes)
        {
            context.Emit(new ExchangeEvent
            {
                Kind = EventKind.ValidatorPowerChanged,
                Account = -1,
                Counterparty = -1,
                OrderId = proposal,
                Quantity = context.Height + Delay,
                Amount = change.Power,
                Amount2 = change.PowerBefore,
                Data = change.PublicKey.AsSpan().ToArray(),
            });
        }

        return true;
    }

    /// <summary>What the engine is told after a block: members that left, joined or have another power.</summary>
    public static ImmutableArray<ValidatorUpdate> Updates(State state, long height)
    {
        if (!state.ValidatorSets.TryFind(height + Delay, out int slot))
        {
            return [];
        }

        ImmutableArray<Validator> before = At(state, height + Delay - 1);
        ImmutableArray<Validator> after = state.ValidatorSets.Read(slot).Validators;
        var updates = ImmutableArray.CreateBuilder<ValidatorUpdate>();
        // BOUND: twice Limits.ValidatorsMax squared comparisons, in the few blocks that change the set.
        foreach (Validator validator in before)
        {
            if (PowerIn(after, validator) == 0)
            {
                updates.Add(new ValidatorUpdate(validator.PublicKey, 0));
            }
        }

        foreach (Validator validator in after)
        {
            if (PowerIn(before, validator) != validator.Power)
            {
                updates.Add(new ValidatorUpdate(validator.PublicKey, validator.Power));
            }
        }

        return updates.ToImmutable();
    }

    private static long PowerIn(ImmutableArray<Validator> set, Validator wanted)
    {
        foreach (Validator validator in set)
        {
            if (validator.Address == wanted.Address)
            {
                return validator.Power;
            }
        }

        return 0;
    }

    private static void Punish(State state, Block block, BlockContext context)
    {
        if (block.Misbehavior.IsEmpty)
        {
            return;
        }

        ImmutableArray<Validator> set = At(state, long.MaxValue);
        int members = set.Length;
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

        if (set.Length < members)
        {
            Begin(state, block.Height, set);
        }
    }

    // The set that a block leaves behind.
    private static void Begin(State state, long height, ImmutableArray<Validator> set) =>
        state.ValidatorSets.Add(new ValidatorSetRow { FromHeight = height + Delay, Validators = set });

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
