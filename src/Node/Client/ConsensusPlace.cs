using System;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using AppChain.Abci;

namespace AppChain.Node;

/// <summary>Where a CometBFT stands in the height that it is deciding.</summary>
/// <param name="Height">Not decided yet.</param>
/// <param name="Round">From 0.</param>
/// <param name="Step">A number of CometBFT's: 1 between the heights, 3 the proposal, <see cref="Prevote"/>, 6 the
/// precommit, 8 the commit.</param>
/// <param name="Prevoted">Power of those whose prevotes of this round it has.</param>
/// <param name="Total">Power of all.</param>
public sealed partial record ConsensusPlace(long Height, int Round, int Step, long Prevoted, long Total)
{
    /// <summary>The step in which it has cast its prevote, or has been refused it, and waits for others'.</summary>
    public const int Prevote = 4;

    /// <summary>
    /// It waits for prevotes, though it has more than two thirds, with which it should go on at once: they were there
    /// before its own, and it looks at them only when one is added. Nothing will be.
    /// </summary>
    public bool WaitsForNothing => Step == Prevote && Prevoted > (Total / 3 * 2) + (Total % 3 * 2 / 3);

    /// <summary>Reads <c>round_state</c> of the method consensus_state.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static ConsensusPlace Of(JsonElement state)
    {
        Match place = Matched(PlaceText(), RpcJsonReader.Text(state, "height/round/step"));
        foreach (JsonElement votes in RpcJsonReader.Items(state, "height_vote_set"))
        {
            if (RpcJsonReader.Int64(votes, "round") != Number(place, 2)) continue;
            Match powers = Matched(PowersText(), RpcJsonReader.Text(votes, "prevotes_bit_array"));
            return new ConsensusPlace(
                Number(place, 1), (int)Number(place, 2), (int)Number(place, 3), Number(powers, 1), Number(powers, 2));
        }

        throw new FormatException("height_vote_set lacks the round");
    }

    private static Match Matched(Regex regex, string text) =>
        regex.Match(text) is { Success: true } match ? match : throw new FormatException($"'{text}' is no such place");

    private static long Number(Match match, int group) =>
        long.Parse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex("^([0-9]+)/([0-9]+)/([0-9]+)$")]
    private static partial Regex PlaceText();

    // As in "BA{4:xx_x} 80/100 = 0.80".
    [GeneratedRegex(" ([0-9]+)/([0-9]+) = ")]
    private static partial Regex PowersText();
}
