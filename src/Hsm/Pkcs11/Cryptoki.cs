using System;
using System.Runtime.InteropServices;

namespace AppChain.Hsm;

/// <summary>
/// The C interface of PKCS#11 (OASIS PKCS #11 2.40 and 3.0): the functions, structures and numbers that we use.
/// CK_ULONG is a native word; structures have the platform's natural alignment, as on every Unix.
/// </summary>
internal static class Cryptoki
{
    public const nuint Ok = 0;
    public const nuint AlreadyInitialized = 0x191;
    public const nuint NotInitialized = 0x190;
    public const nuint UserAlreadyLoggedIn = 0x100;
    public const nuint BufferTooSmall = 0x150;
    public const nuint AttributeSensitive = 0x11;
    public const nuint AttributeTypeInvalid = 0x12;

    public const nuint UserSecurityOfficer = 0;
    public const nuint User = 1;

    public const nuint SessionReadWrite = 2;
    public const nuint SessionSerial = 4;
    public const nuint LockingByTheSystem = 2;

    public const nuint PrivateKeyClass = 3;
    public const nuint PublicKeyClass = 2;

    public const nuint EcKeyType = 3;
    public const nuint EdwardsKeyType = 0x40;

    public const nuint EcKeyPairGeneration = 0x1040;
    public const nuint Ecdsa = 0x1041;
    public const nuint EdwardsKeyPairGeneration = 0x1055;
    public const nuint EdDsa = 0x1057;

    public const nuint Class = 0x0;
    public const nuint Token = 0x1;
    public const nuint Private = 0x2;
    public const nuint Label = 0x3;
    public const nuint Value = 0x11;
    public const nuint KeyType = 0x100;
    public const nuint Id = 0x102;
    public const nuint Sensitive = 0x103;
    public const nuint Sign = 0x108;
    public const nuint Verify = 0x10A;
    public const nuint Extractable = 0x162;
    public const nuint Local = 0x163;
    public const nuint NeverExtractable = 0x164;
    public const nuint AlwaysSensitive = 0x165;
    public const nuint EcParameters = 0x180;
    public const nuint EcPoint = 0x181;

    public const nuint TokenInitialized = 0x400;
    public const nuint UserPinInitialized = 0x8;
    public const nuint UserPinCountLow = 0x10000;
    public const nuint UserPinFinalTry = 0x20000;
    public const nuint UserPinLocked = 0x40000;

    // Places in CK_FUNCTION_LIST, counted from C_Initialize.
    public const int CInitialize = 0;
    public const int CFinalize = 1;
    public const int CGetInfo = 2;
    public const int CGetSlotList = 4;
    public const int CGetTokenInfo = 6;
    public const int CGetMechanismList = 7;
    public const int CInitToken = 9;
    public const int CInitPin = 10;
    public const int COpenSession = 12;
    public const int CCloseSession = 13;
    public const int CLogin = 18;
    public const int CGetAttributeValue = 24;
    public const int CFindObjectsInit = 26;
    public const int CFindObjects = 27;
    public const int CFindObjectsFinal = 28;
    public const int CSignInit = 42;
    public const int CSign = 43;
    public const int CGenerateKeyPair = 59;

    /// <summary>CK_ATTRIBUTE.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Attribute
    {
        public nuint Type;
        public void* Value;
        public nuint Length;
    }

    /// <summary>CK_MECHANISM.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Mechanism
    {
        public nuint Type;
        public void* Parameter;
        public nuint ParameterLength;
    }

    /// <summary>CK_C_INITIALIZE_ARGS.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct InitializeArguments
    {
        public void* CreateMutex;
        public void* DestroyMutex;
        public void* LockMutex;
        public void* UnlockMutex;
        public nuint Flags;
        public void* Reserved;
    }

    /// <summary>CK_VERSION.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Version
    {
        public byte Major;
        public byte Minor;
    }

    /// <summary>CK_INFO.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Info
    {
        public Version Interface;
        public fixed byte Manufacturer[32];
        public nuint Flags;
        public fixed byte Library[32];
        public Version LibraryVersion;
    }

    /// <summary>CK_TOKEN_INFO.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct TokenInfo
    {
        public fixed byte Label[32];
        public fixed byte Manufacturer[32];
        public fixed byte Model[16];
        public fixed byte Serial[16];
        public nuint Flags;
        public nuint MaxSessions;
        public nuint Sessions;
        public nuint MaxReadWriteSessions;
        public nuint ReadWriteSessions;
        public nuint MaxPin;
        public nuint MinPin;
        public nuint PublicMemory;
        public nuint FreePublicMemory;
        public nuint PrivateMemory;
        public nuint FreePrivateMemory;
        public Version Hardware;
        public Version Firmware;
        public fixed byte Time[16];
    }

    /// <summary>The name of a return value, as the standard spells it, and what to do about it.</summary>
    public static (string Name, string Advice) Describe(nuint code) => (uint)code switch
    {
        0x05 => ("CKR_GENERAL_ERROR", "the device is in trouble; look into its own log"),
        0x06 => ("CKR_FUNCTION_FAILED", "the device is in trouble; look into its own log"),
        0x11 => ("CKR_ATTRIBUTE_SENSITIVE", "the device does not show it"),
        0x12 => ("CKR_ATTRIBUTE_TYPE_INVALID", "the device does not know it"),
        0x30 => ("CKR_DEVICE_ERROR", "the device is in trouble; look into its own log"),
        0x31 => ("CKR_DEVICE_MEMORY", "the device is full; delete keys that are not needed"),
        0x32 => ("CKR_DEVICE_REMOVED", "plug the device in again"),
        0x60 => ("CKR_KEY_HANDLE_INVALID", "the key is gone; look with hsm list"),
        0x63 => ("CKR_KEY_TYPE_INCONSISTENT", "the key is of another type; look with hsm list"),
        0x68 => ("CKR_KEY_FUNCTION_NOT_PERMITTED", "the key may not sign; make one with hsm keygen"),
        0x70 => ("CKR_MECHANISM_INVALID", "the device does not have this kind of signature; look with hsm show"),
        0x82 => ("CKR_OBJECT_HANDLE_INVALID", "the key is gone; look with hsm list"),
        0xA0 => ("CKR_PIN_INCORRECT", "the PIN is wrong; a few more wrong ones lock the token"),
        0xA1 => ("CKR_PIN_INVALID", "the PIN has characters that the device does not take"),
        0xA2 => ("CKR_PIN_LEN_RANGE", "the PIN is too short or too long for the device"),
        0xA4 => ("CKR_PIN_LOCKED", "the token is locked; its security officer must set a new PIN"),
        0xB0 => ("CKR_SESSION_CLOSED", "the device closed the session"),
        0xB3 => ("CKR_SESSION_HANDLE_INVALID", "the device closed the session"),
        0xE0 => ("CKR_TOKEN_NOT_PRESENT", "put the token back"),
        0xE1 => ("CKR_TOKEN_NOT_RECOGNIZED", "the token cannot be read; initialise it with hsm init"),
        0xE2 => ("CKR_TOKEN_WRITE_PROTECTED", "the token is write-protected"),
        0x101 => ("CKR_USER_NOT_LOGGED_IN", "log in with the user PIN"),
        0x102 => ("CKR_USER_PIN_NOT_INITIALIZED", "the token has no user PIN yet; run hsm init"),
        0x150 => ("CKR_BUFFER_TOO_SMALL", "the answer is longer than allowed"),
        0x190 => ("CKR_CRYPTOKI_NOT_INITIALIZED", "the module was shut down"),
        0x191 => ("CKR_CRYPTOKI_ALREADY_INITIALIZED", "the module is in use already"),
        _ => ($"CKR 0x{(uint)code:X}", "see the device's manual"),
    };
}
