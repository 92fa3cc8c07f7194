using System;
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

/// <summary>
/// Eight lanes; needs AVX2. Where the machine has the operations of AVX-512 on vectors of this length too, a group
/// takes about two thirds of the time of one of sixteen lanes.
/// </summary>
internal readonly struct Sha256Vector256 : ISha256Vector<Vector256<uint>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Broadcast(uint word) => Vector256.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Add(Vector256<uint> left, Vector256<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Xor(Vector256<uint> first, Vector256<uint> second, Vector256<uint> third) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.TernaryLogic(first, second, third, 0b1001_0110)
            : first ^ second ^ third;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Choose(Vector256<uint> mask, Vector256<uint> one, Vector256<uint> zero) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.TernaryLogic(mask, one, zero, 0b1100_1010)
            : zero ^ (mask & (one ^ zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Majority(Vector256<uint> first, Vector256<uint> second, Vector256<uint> third) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.TernaryLogic(first, second, third, 0b1110_1000)
            : (first & second) | (third & (first | second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateRight(Vector256<uint> value, [ConstantExpected] byte count) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.RotateRight(value, count)
            : Vector256.ShiftRightLogical(value, count) | Vector256.ShiftLeft(value, 32 - count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRight(Vector256<uint> value, [ConstantExpected] byte count) =>
        Vector256.ShiftRightLogical(value, count);
}

/// <summary>
/// The compression function of SHA-256 (FIPS 180-4, 6.2) over as many messages at once as the vector has lanes. The
/// methods are compiled fully at their first call: the quick first compilation is many times slower on vectors, and a
/// validator would meet it in its first blocks.
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
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void HashPairs(byte prefix, ReadOnlySpan<byte> pairs, Span<byte> digests)
    {
        Span<TVector> state = stackalloc TVector[8];
        Span<TVector> words = stackalloc TVector[Rounds];
        Reset(state);

        // The first block is the prefix and 63 bytes of the pair.
        Span<uint> lanes = MemoryMarshal.Cast<TVector, uint>(words);
        ref byte source = ref MemoryMarshal.GetReference(pairs[..(Lanes * 64)]);
        for (int lane = 0; lane < Lanes; lane += 4)
        {
            ref byte pair = ref Unsafe.Add(ref source, lane * 64);
            LoadWords(ref pair, 64, lanes[lane..], prefix);
            for (int word = 4; word < 16; word += 4)
            {
                LoadWords(ref Unsafe.Add(ref pair, (word * 4) - 1), 64, lanes[((word * Lanes) + lane)..]);
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
    /// Hashes one padded message per lane, the longest first. The message of a lane begins <paramref name="stride"/>
    /// bytes after that of the lane before; all lanes read as many blocks as the first has, and what they read beyond
    /// their own does not matter.
    /// </summary>
    /// <param name="messages">A stride for each lane of the vector.</param>
    /// <param name="stride">Bytes, at least 64 for each block of the first message.</param>
    /// <param name="blocks">Blocks of 64 bytes of each message, descending; at most one entry per lane.</param>
    /// <param name="digests">The result, one for each message.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void HashPadded(
        ReadOnlySpan<byte> messages, int stride, ReadOnlySpan<int> blocks, Span<Sha256Digest> digests)
    {
        Span<TVector> state = stackalloc TVector[8];
        Span<TVector> words = stackalloc TVector[Rounds];
        Span<Sha256Digest> ended = stackalloc Sha256Digest[Lanes];
        Span<uint> lanes = MemoryMarshal.Cast<TVector, uint>(words);
        ref byte source = ref MemoryMarshal.GetReference(messages[..(Lanes * stride)]);
        Reset(state);
        int open = blocks.Length;
        for (int block = 0; open > 0; block++)
        {
            for (int lane = 0; lane < Lanes; lane += 4)
            {
                ref byte message = ref Unsafe.Add(ref source, (lane * stride) + (block * 64));
                for (int word = 0; word < 16; word += 4)
                {
                    LoadWords(ref Unsafe.Add(ref message, word * 4), stride, lanes[((word * Lanes) + lane)..]);
                }
            }

            Expand(words, 16);
            Compress(state, words);
            if (blocks[open - 1] == block + 1)
            {
                Store(state, MemoryMarshal.AsBytes(ended));
                while (open > 0 && blocks[open - 1] == block + 1)
                {
                    digests[--open] = ended[open];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Reset(Span<TVector> state)
    {
        for (int index = 0; index < 8; index++)
        {
            state[index] = TOperations.Broadcast(InitialState[index]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(ReadOnlySpan<TVector> state, Span<byte> digests)
    {
        ref uint lanes = ref MemoryMarshal.GetReference(MemoryMarshal.Cast<TVector, uint>(state));
        ref byte target = ref MemoryMarshal.GetReference(digests[..(Lanes * Sha256Digest.Size)]);
        for (int lane = 0; lane < Lanes; lane += 4)
        {
            for (int word = 0; word < 8; word += 4)
            {
                Vector128<uint> first = Vector128.LoadUnsafe(ref lanes, (nuint)((word * Lanes) + lane));
                Vector128<uint> second = Vector128.LoadUnsafe(ref lanes, (nuint)(((word + 1) * Lanes) + lane));
                Vector128<uint> third = Vector128.LoadUnsafe(ref lanes, (nuint)(((word + 2) * Lanes) + lane));
                Vector128<uint> fourth = Vector128.LoadUnsafe(ref lanes, (nuint)(((word + 3) * Lanes) + lane));
                Transpose(ref first, ref second, ref third, ref fourth);
                ref byte digest = ref Unsafe.Add(ref target, (lane * Sha256Digest.Size) + (word * 4));
                SwapBytes(first).StoreUnsafe(ref digest);
                SwapBytes(second).StoreUnsafe(ref digest, Sha256Digest.Size);
                SwapBytes(third).StoreUnsafe(ref digest, 2 * Sha256Digest.Size);
                SwapBytes(fourth).StoreUnsafe(ref digest, 3 * Sha256Digest.Size);
            }
        }
    }

    /// <summary>Reads four big-endian words of each of four lanes, and writes them lane beside lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadWords(ref byte source, int stride, Span<uint> target)
    {
        Vector128<uint> first = SwapBytes(Vector128.LoadUnsafe(ref source));
        Vector128<uint> second = SwapBytes(Vector128.LoadUnsafe(ref source, (nuint)stride));
        Vector128<uint> third = SwapBytes(Vector128.LoadUnsafe(ref source, (nuint)(2 * stride)));
        Vector128<uint> fourth = SwapBytes(Vector128.LoadUnsafe(ref source, (nuint)(3 * stride)));
        StoreWords(first, second, third, fourth, target);
    }

    /// <summary>The same for the first words of a block that starts with one more byte than the source.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadWords(ref byte source, int stride, Span<uint> target, byte prefix)
    {
        Vector128<uint> start = Vector128.CreateScalar((uint)prefix << 24);
        Vector128<uint> first = start | SwapShifted(Vector128.LoadUnsafe(ref source));
        Vector128<uint> second = start | SwapShifted(Vector128.LoadUnsafe(ref source, (nuint)stride));
        Vector128<uint> third = start | SwapShifted(Vector128.LoadUnsafe(ref source, (nuint)(2 * stride)));
        Vector128<uint> fourth = start | SwapShifted(Vector128.LoadUnsafe(ref source, (nuint)(3 * stride)));
        StoreWords(first, second, third, fourth, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreWords(
        Vector128<uint> first, Vector128<uint> second, Vector128<uint> third, Vector128<uint> fourth, Span<uint> target)
    {
        Transpose(ref first, ref second, ref third, ref fourth);
        ref uint words = ref MemoryMarshal.GetReference(target[..((3 * Lanes) + 4)]);
        first.StoreUnsafe(ref words);
        second.StoreUnsafe(ref words, (nuint)Lanes);
        third.StoreUnsafe(ref words, (nuint)(2 * Lanes));
        fourth.StoreUnsafe(ref words, (nuint)(3 * Lanes));
    }

    /// <summary>Makes rows of a square of four by four words its columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(
        ref Vector128<uint> first, ref Vector128<uint> second, ref Vector128<uint> third, ref Vector128<uint> fourth)
    {
        Vector128<ulong> lowLeft = Sse2.UnpackLow(first, second).AsUInt64();
        Vector128<ulong> highLeft = Sse2.UnpackHigh(first, second).AsUInt64();
        Vector128<ulong> lowRight = Sse2.UnpackLow(third, fourth).AsUInt64();
        Vector128<ulong> highRight = Sse2.UnpackHigh(third, fourth).AsUInt64();
        first = Sse2.UnpackLow(lowLeft, lowRight).AsUInt32();
        second = Sse2.UnpackHigh(lowLeft, lowRight).AsUInt32();
        third = Sse2.UnpackLow(highLeft, highRight).AsUInt32();
        fourth = Sse2.UnpackHigh(highLeft, highRight).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> SwapBytes(Vector128<byte> bytes) =>
        Ssse3.Shuffle(bytes, Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> SwapBytes(Vector128<uint> words) => SwapBytes(words.AsByte()).AsByte();

    // As SwapBytes on the bytes one place earlier; what would come before the first of them is zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> SwapShifted(Vector128<byte> bytes) =>
        Ssse3.Shuffle(bytes, Vector128.Create((byte)2, 1, 0, 255, 6, 5, 4, 3, 10, 9, 8, 7, 14, 13, 12, 11)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Expand(Span<TVector> words, int start)
    {
        ref TVector word = ref words[start];
        TVector before = Unsafe.Add(ref word, -1);
        TVector secondBefore = Unsafe.Add(ref word, -2);
        for (int t = start; t < Rounds; t++)
        {
            TVector sum = TOperations.Add(Unsafe.Add(ref word, -16), SmallSigma0(Unsafe.Add(ref word, -15)));
            sum = TOperations.Add(sum, Unsafe.Add(ref word, -7));
            word = TOperations.Add(sum, SmallSigma1(secondBefore));
            (secondBefore, before) = (before, word);
            word = ref Unsafe.Add(ref word, 1);
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
            Round(a, b, c, ref d, e, f, g, ref h, Input(ref word, ref constant, 0));
            Round(h, a, b, ref c, d, e, f, ref g, Input(ref word, ref constant, 1));
            Round(g, h, a, ref b, c, d, e, ref f, Input(ref word, ref constant, 2));
            Round(f, g, h, ref a, b, c, d, ref e, Input(ref word, ref constant, 3));
            Round(e, f, g, ref h, a, b, c, ref d, Input(ref word, ref constant, 4));
            Round(d, e, f, ref g, h, a, b, ref c, Input(ref word, ref constant, 5));
            Round(c, d, e, ref f, g, h, a, ref b, Input(ref word, ref constant, 6));
            Round(b, c, d, ref e, f, g, h, ref a, Input(ref word, ref constant, 7));
            word = ref Unsafe.Add(ref word, 8);
            constant = ref Unsafe.Add(ref constant, 8);
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
