using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using AppChain.Hsm;

namespace AppChain.Localnet;

/// <summary>
/// Consensus keys in SoftHSM: a device for each signer, which is a directory of its own. The signers of one validator
/// have the same key: its token is made once and copied, as the makers of devices do it under a ceremony.
/// </summary>
internal sealed partial class DeviceKeys
{
    private const string Variable = "SOFTHSM2_CONF";
    private const string KeyLabel = "consensus";

    private readonly string _directory;
    private readonly int _signers;
    private readonly List<byte[]> _publicKeys = [];

    /// <summary>Makes the tokens and keys.</summary>
    /// <exception cref="IOException">SoftHSM is not installed or refuses.</exception>
    public DeviceKeys(string home, int validators, int signers)
    {
        _directory = Path.Combine(home, "softhsm");
        _signers = signers;
        Directory.CreateDirectory(_directory);
        File.WriteAllText(PinFile, "123456\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(PinFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        string made = MakeDevice("new");

        // The module reads the C library's environment, which .NET's own setter does not reach.
        if (setenv(Variable, Path.Combine(_directory, "new", "softhsm2.conf"), 1) != 0)
        {
            throw new IOException($"{Variable} cannot be set");
        }

        Pkcs11Module module = Pkcs11Module.Load(Pkcs11Module.SoftHsm);
        for (int i = 0; i < validators; i++)
        {
            HashSet<string> before = [.. Directory.GetDirectories(made)];
            Pkcs11Token token = module.InitializeToken(TokenOf(i), "12345678", "123456");
            using (Pkcs11Session session = Pkcs11Session.Open(module, token, "123456"))
            {
                _publicKeys.Add(session.Generate(Pkcs11KeyType.Ed25519, KeyLabel).PublicKey);
            }

            string files = Directory.GetDirectories(made).Single(one => !before.Contains(one));
            for (int j = 0; j < signers; j++)
            {
                string copy = Path.Combine(MakeDevice(DeviceOf(i, j)), Path.GetFileName(files));
                Directory.CreateDirectory(copy);
                foreach (string file in Directory.GetFiles(files))
                {
                    File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
                }
            }
        }

        Directory.Delete(Path.Combine(_directory, "new"), recursive: true);
    }

    /// <summary>Public key of a validator.</summary>
    public byte[] PublicKey(int validator) => _publicKeys[validator];

    /// <summary>Where a signer finds the key of its validator.</summary>
    public string PlaceOf(int validator) => $"pkcs11:token={TokenOf(validator)};key={KeyLabel};pin-file={PinFile}";

    /// <summary>What a signer's process needs to find its device.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentOf(int validator, int signer) =>
        new Dictionary<string, string>
    {
        [Variable] = Path.Combine(_directory, DeviceOf(validator, signer), "softhsm2.conf"),
    };

    private string PinFile => Path.Combine(_directory, "pin");

    // Taking the directory "tokens" of a device away is pulling its plug.
    private string MakeDevice(string name)
    {
        string tokens = Path.Combine(_directory, name, "tokens");
        Directory.CreateDirectory(tokens);
        File.WriteAllText(
            Path.Combine(_directory, name, "softhsm2.conf"), $"directories.tokendir = {tokens}\nlog.level = ERROR\n");
        return tokens;
    }

    private string DeviceOf(int validator, int signer) =>
        _signers == 1
            ? TokenOf(validator)
            : string.Create(CultureInfo.InvariantCulture, $"{TokenOf(validator)}-{signer}");

    private static string TokenOf(int validator) =>
        string.Create(CultureInfo.InvariantCulture, $"validator{validator}");

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
