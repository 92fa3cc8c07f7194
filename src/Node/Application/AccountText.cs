using System;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>An account as text: the owner's address, '/', the sub-account number.</summary>
public static class AccountText
{
    /// <summary>The text of an account.</summary>
    public static string Of(AccountId account) =>
        string.Create(CultureInfo.InvariantCulture, $"{Of(account.Owner)}/{account.Subaccount}");

    /// <summary>The text of an owner: <c>app1…</c>.</summary>
    public static string Of(Address owner) => AccountAddress.ToText(owner.ToArray());

    /// <summary>Reads a text; without '/' it is sub-account 0. False with the reason.</summary>
    public static bool TryParse(string text, out AccountId account, [NotNullWhen(false)] out string? reason)
    {
        account = default;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        uint subaccount = 0;
        if (slash >= 0
            && (!uint.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out subaccount)
                || subaccount > AccountId.SubaccountMax))
        {
            reason = $"'{text[(slash + 1)..]}' is no sub-account number (0 to {AccountId.SubaccountMax})";
            return false;
        }

        if (!AccountAddress.TryParse(slash >= 0 ? text[..slash] : text, out byte[]? owner, out reason))
        {
            return false;
        }

        account = new AccountId(new Address(owner), subaccount);
        return true;
    }
}
