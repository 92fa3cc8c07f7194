using System;
using System.Numerics;

namespace AppChain.Hsm;

/// <summary>
/// The permutation under SHA-3 (FIPS 202, section 3): 25 lanes of 64 bits, 24 rounds. No library at hand gives access
/// to it, and the transcript of the secret connection is built on it alone.
/// </summary>
internal static class KeccakF1600
{
    /// <summary>Lanes of the state; lane (x, y) is at x + 5 y.</summary>
    public const int Lanes = 25;

    private static ReadOnlySpan<ulong> RoundConstants =>
    [
        0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
        0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
        0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    ];

    /// <summary>How far lane x + 5 y is rotated.</summary>
    private static ReadOnlySpan<byte> Rotations =>
    [
        0, 1, 62, 28, 27,
        36, 44, 6, 55, 20,
        3, 10, 43, 25, 39,
        41, 45, 15, 21, 8,
        18, 2, 61, 56, 14,
    ];

    /// <summary>Permutes the state in place.</summary>
    public static void Permute(Span<ulong> state)
    {
        Span<ulong> columns = stackalloc ulong[5];
        Span<ulong> moved = stackalloc ulong[Lanes];
        foreach (ulong constant in RoundConstants)
        {
            // theta: every bit takes in the parity of two columns.
            for (int x = 0; x < 5; x++)
            {
                columns[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
            }
            for (int i = 0; i < Lanes; i++)
            {
                int x = i % 5;
                state[i] ^= columns[(x + 4) % 5] ^ BitOperations.RotateLeft(columns[(x + 1) % 5], 1);
            }

            // rho and pi: lanes are rotated and change places.
            for (int y = 0; y < 5; y++)
            {
                for (int x = 0; x < 5; x++)
                {
                    int from = x + (5 * y);
                    moved[y + (5 * (((2 * x) + (3 * y)) % 5))] =
                        BitOperations.RotateLeft(state[from], Rotations[from]);
                }
            }

            // chi: the only step that is not linear. iota: breaks the symmetry.
            for (int row = 0; row < Lanes; row += 5)
            {
                for (int x = 0; x < 5; x++)
                {
                    state[row + x] = moved[row + x] ^ (~moved[row + ((x + 1) % 5)] & moved[row + ((x + 2) % 5)]);
                }
            }
            state[0] ^= constant;
        }
    }
}
