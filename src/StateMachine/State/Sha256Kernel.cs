using System;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AppChain.StateMachine;

/// <summary>The operations of SHA-256 on a vector whose 32-bit lanes belong to different messages.</summary>
internal interface ISha256Vector<TVector>
    where TVector : unmanaged
{
    /// <summary>The same word in every lane.</summary>
    static abstract TVector Broadcast(uint word);

    /// <summary>Sum modulo 2^32.</summary>
    static abstract TVector Add(TVector left, TVector right);

    /// <summary>Exclusive or of three.</summary>
    static abstract TVector Xor(TVector first, TVector second, TVector third);

    /// <summary>For every bit: <paramref name="mask"/> ? <paramref name="one"/> : <paramref name="zero"/>.</summary>
    static abstract TVector Choose(TVector mask, TVector one, TVector zero);

    /// <summary>For every bit: the value that at least two of the three have.</summary>
    static abstract TVector Majority(TVector first, TVector second, TVector third);

    /// <summary>Rotates every lane right.</summary>
    static abstract TVector RotateRight(TVector value, [ConstantExpected] byte count);

    /// <summary>Shifts every lane right, filling with zeros.</summary>
    static abstract TVector ShiftRight(TVector value, [ConstantExpected] byte count);
}

/// <summary>Sixteen lanes; needs AVX-512F.</summary>
internal readonly struct Sha256Vector512 : ISha256Vector<Vector512<uint>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Broadcast(uint word) => Vector512.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Add(Vector512<uint> left, Vector512<uint> right) => left + right;

    // The control byte of a ternary operation is the truth table of its result over (first, second, third).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Xor(Vector512<uint> first, Vector512<uint> second, Vector512<uint> third) =>
        Avx512F.TernaryLogic(first, second, third, 0b1001_0110);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Choose(Vector512<uint> mask, Vector512<uint> one, Vector512<uint> zero) =>
        Avx512F.TernaryLogic(mask, one, zero, 0b1100_1010);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Majority(Vector512<uint> first, Vector512<uint> second, Vector512<uint> third) =>
        Avx512F.TernaryLogic(first, second, third, 0b1110_1000);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RotateRight(Vector512<uint> value, [ConstantExpected] byte count) =>
        Avx512F.RotateRight(value, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRight(Vector512<uint> value, [ConstantExpected] byte count) =>
        Vector512.ShiftRightLogical(value, count);
}

/// <summary>Eight lanes; quick where 256-bit vectors are (AVX2).</summary>
internal readonly struct Sha256Vector256 : ISha256Vector<Vector256<uint>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Broadcast(uint word) => Vector256.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Add(Vector256<uint> left, Vector256<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Xor(Vector256<uint> first, Vector256<uint> second, Vector256<uint> third) =>
        first ^ second ^ third;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Choose(Vector256<uint> mask, Vector256<uint> one, Vector256<uint> zero) =>
        zero ^ (mask & (one ^ zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Majority(Vector256<uint> first, Vector256<uint> second, Vector256<uint> third) =>
        (first & second) | (third & (first | second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateRight(Vector256<uint> value, [ConstantExpected] byte count) =>
        Vector256.ShiftRightLogical(value, count) | Vector256.ShiftLeft(value, 32 - count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRight(Vector256<uint> value, [ConstantExpected] byte count) =>
        Vector256.ShiftRightLogical(value, count);
}

/// <summary>
/// The compression function of SHA-256 (FIPS 180-4, 6.2) over as many messages at once as the vector has lanes.
/// </summary>
internal static class Sha256Kernel<TVector, TOperations>
    where TVector : unmanaged
    where TOperations : ISha256Vector<TVector>
{
    /// <summary>Messages hashed at once.</summary>
    public static int Lanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Unsafe.SizeOf<TVector>() / sizeof(uint);
    }

    /// <summary>Words of the message schedule.</summary>
    public const int Rounds = 64;

    private static ReadOnlySpan<uint> InitialState =>
    [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ];

    private static ReadOnlySpan<uint> RoundConstants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    /// <summary>
    /// Hashes one byte and 64 bytes per lane: <c>SHA-256(prefix ‖ pair)</c>. Both spans hold exactly one entry per
    /// lane, 64 and 32 bytes each.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void HashPairs(byte prefix, ReadOnlySpan<byte> pairs, Span<byte> digests)
    {
        Span<TVector> state = stackalloc TVector[8];
        Span<TVector> words = stackalloc TVector[Rounds];
        Reset(state);

        // The first block is the prefix and 63 bytes of the pair; so every word straddles two words of the pair.
        Span<uint> lanes = MemoryMarshal.Cast<TVector, uint>(words);
        for (int lane = 0; lane < Lanes; lane++)
        {
            ReadOnlySpan<byte> pair = pairs.Slice(lane * 64, 64);
            lanes[lane] = ((uint)prefix << 24) | (BinaryPrimitives.ReadUInt32BigEndian(pair) >> 8);
            for (int word = 1; word < 16; word++)
            {
                lanes[(word * Lanes) + lane] = BinaryPrimitives.ReadUInt32BigEndian(pair[((word * 4) - 1)..]);
            }
        }

        Expand(words, 16);
        Compress(state, words);

        // The second block is the last byte of the pair, the end mark, zeros and the length of 520 bits. Only its
        // first word differs from lane to lane, so most terms of the next sixteen schedule words fall away.
        for (int lane = 0; lane < Lanes; lane++)
        {
            lanes[lane] = ((uint)pairs[(lane * 64) + 63] << 24) | 0x0080_0000;
        }

        ExpandTail(words);
        Compress(state, words);
        Store(state, digests);
    }

    /// <summary>
    /// Hashes one padded message per lane. All have the same number of blocks of 64 bytes, at least one, and follow
    /// each other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void HashPadded(ReadOnlySpan<byte> messages, int blocks, Span<Sha256Digest> digests)
    {
        Span<TVector> state = stackalloc TVector[8];
        Span<TVector> words = stackalloc TVector[Rounds];
        Span<uint> lanes = MemoryMarshal.Cast<TVector, uint>(words);
        Reset(state);
        for (int block = 0; block < blocks; block++)
        {
            for (int lane = 0; lane < Lanes; lane++)
            {
                ReadOnlySpan<byte> bytes = messages.Slice(((lane * blocks) + block) * 64, 64);
                for (int word = 0; word < 16; word++)
                {
                    lanes[(word * Lanes) + lane] = BinaryPrimitives.ReadUInt32BigEndian(bytes[(word * 4)..]);
                }
            }

            Expand(words, 16);
            Compress(state, words);
        }

        Store(state, MemoryMarshal.AsBytes(digests));
    }

    private static void Reset(Span<TVector> state)
    {
        for (int index = 0; index < 8; index++)
        {
            state[index] = TOperations.Broadcast(InitialState[index]);
        }
    }

    private static void Store(ReadOnlySpan<TVector> state, Span<byte> digests)
    {
        ReadOnlySpan<uint> lanes = MemoryMarshal.Cast<TVector, uint>(state);
        for (int lane = 0; lane < Lanes; lane++)
        {
            Span<byte> digest = digests.Slice(lane * Sha256Digest.Size, Sha256Digest.Size);
            for (int word = 0; word < 8; word++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(digest[(word * 4)..], lanes[(word * Lanes) + lane]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Expand(Span<TVector> words, int start)
    {
        ref TVector first = ref MemoryMarshal.GetReference(words);
        for (int t = start; t < Rounds; t++)
        {
            TVector sum = TOperations.Add(Unsafe.Add(ref first, t - 16), SmallSigma0(Unsafe.Add(ref first, t - 15)));
            sum = TOperations.Add(sum, Unsafe.Add(ref first, t - 7));
            Unsafe.Add(ref first, t) = TOperations.Add(sum, SmallSigma1(Unsafe.Add(ref first, t - 2)));
        }
    }

    /// <summary>The schedule when words 1…14 are zero and word 15 is 520; word 0 is in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ExpandTail(Span<TVector> words)
    {
        TVector length = TOperations.Broadcast(520);
        words[1..15].Clear();
        words[15] = length;
        words[16] = words[0];
        words[17] = SmallSigma1(length);
        words[18] = SmallSigma1(words[16]);
        words[19] = SmallSigma1(words[17]);
        words[20] = SmallSigma1(words[18]);
        words[21] = SmallSigma1(words[19]);
        words[22] = TOperations.Add(SmallSigma1(words[20]), length);
        for (int t = 23; t < 30; t++)
        {
            words[t] = TOperations.Add(SmallSigma1(words[t - 2]), words[t - 7]);
        }

        words[30] = TOperations.Add(TOperations.Add(SmallSigma1(words[28]), words[23]), SmallSigma0(length));
        Expand(words, 31);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compress(Span<TVector> state, ReadOnlySpan<TVector> words)
    {
        TVector a = state[0], b = state[1], c = state[2], d = state[3];
        TVector e = state[4], f = state[5], g = state[6], h = state[7];
        ref TVector word = ref MemoryMarshal.GetReference(words);
        ref uint constant = ref MemoryMarshal.GetReference(RoundConstants);

        // Eight rounds at a time, after which every variable has its own name again.
        for (int t = 0; t < Rounds; t += 8)
        {
            Round(a, b, c, ref d, e, f, g, ref h, Input(ref word, ref constant, t));
            Round(h, a, b, ref c, d, e, f, ref g, Input(ref word, ref constant, t + 1));
            Round(g, h, a, ref b, c, d, e, ref f, Input(ref word, ref constant, t + 2));
            Round(f, g, h, ref a, b, c, d, ref e, Input(ref word, ref constant, t + 3));
            Round(e, f, g, ref h, a, b, c, ref d, Input(ref word, ref constant, t + 4));
            Round(d, e, f, ref g, h, a, b, ref c, Input(ref word, ref constant, t + 5));
            Round(c, d, e, ref f, g, h, a, ref b, Input(ref word, ref constant, t + 6));
            Round(b, c, d, ref e, f, g, h, ref a, Input(ref word, ref constant, t + 7));
        }

        state[0] = TOperations.Add(state[0], a);
        state[1] = TOperations.Add(state[1], b);
        state[2] = TOperations.Add(state[2], c);
        state[3] = TOperations.Add(state[3], d);
        state[4] = TOperations.Add(state[4], e);
        state[5] = TOperations.Add(state[5], f);
        state[6] = TOperations.Add(state[6], g);
        state[7] = TOperations.Add(state[7], h);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Input(ref TVector word, ref uint constant, int t) =>
        TOperations.Add(Unsafe.Add(ref word, t), TOperations.Broadcast(Unsafe.Add(ref constant, t)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        TVector a, TVector b, TVector c, ref TVector d, TVector e, TVector f, TVector g, ref TVector h, TVector input)
    {
        TVector sum1 = TOperations.Xor(
            TOperations.RotateRight(e, 6), TOperations.RotateRight(e, 11), TOperations.RotateRight(e, 25));
        TVector first = TOperations.Add(
            TOperations.Add(h, input), TOperations.Add(sum1, TOperations.Choose(e, f, g)));
        TVector sum0 = TOperations.Xor(
            TOperations.RotateRight(a, 2), TOperations.RotateRight(a, 13), TOperations.RotateRight(a, 22));
        d = TOperations.Add(d, first);
        h = TOperations.Add(first, TOperations.Add(sum0, TOperations.Majority(a, b, c)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector SmallSigma0(TVector x) => TOperations.Xor(
        TOperations.RotateRight(x, 7), TOperations.RotateRight(x, 18), TOperations.ShiftRight(x, 3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector SmallSigma1(TVector x) => TOperations.Xor(
        TOperations.RotateRight(x, 17), TOperations.RotateRight(x, 19), TOperations.ShiftRight(x, 10));
}
