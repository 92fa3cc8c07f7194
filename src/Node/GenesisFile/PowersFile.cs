using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The file of a proposal on validators: each with the power it is to have and the one that it has. Whoever keeps its
/// power may stand there too, so that the file begins as the set in force and is edited.
/// </summary>
internal static class PowersFile
{
    /// <summary>The field by which a proposal on validators is known.</summary>
    public const string ValidatorsField = "validators";

    private const string Key = "public_key";
    private const string Power = "power";
    private const string PowerBefore = "power_before";

    /// <summary>Reads what changes.</summary>
    /// <exception cref="GenesisException">Names the path and the problem.</exception>
    public static ValidatorPowers Read(GenesisFields fields)
    {
        var changes = new List<PowerChange>();
        foreach (GenesisFields validator in fields.Items(ValidatorsField))
        {
            var change = new PowerChange(
                KeyOf(validator),
                validator.Long(Power, 0, ValidatorPowers.TotalMax),
                validator.Has(PowerBefore) ? validator.Long(PowerBefore, 0, ValidatorPowers.TotalMax) : 0);
            validator.Finish();
            if (change.Power != change.PowerBefore)
            {
                changes.Add(change);
            }
        }

        fields.Finish();
        changes.Sort(static (left, right) =>
            left.PublicKey.AsSpan().SequenceCompareTo(right.PublicKey.AsSpan()));
        var powers = new ValidatorPowers([.. changes]);
        return powers.Problem() is string problem
            ? throw new GenesisException($"{fields.Path}.{ValidatorsField}: {problem}")
            : powers;
    }

    /// <summary>Writes a set that nothing changes yet.</summary>
    public static JsonObject Write(V1.ValidatorSet set)
    {
        var validators = new JsonArray();
        foreach (V1.ValidatorInfo validator in set.Validators)
        {
            string power = validator.Power.ToString(CultureInfo.InvariantCulture);
            validators.Add(new JsonObject
            {
                [Key] = validator.PublicKey, [Power] = power, [PowerBefore] = power,
            });
        }

        return new JsonObject { [ValidatorsField] = validators };
    }

    private static ImmutableArray<byte> KeyOf(GenesisFields validator)
    {
        string text = validator.Text(Key);
        byte[] key = new byte[Validator.PublicKeySize];
        return Convert.TryFromBase64String(text, key, out int size) && size == key.Length && Ed25519.IsPublicKey(key)
            ? [.. key]
            : throw new GenesisException(
                $"{validator.Path}.{Key}: '{text}' is no Ed25519 key of 32 bytes in base64");
    }
}
