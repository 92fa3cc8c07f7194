using System;
using System.Collections.Generic;
using System.Numerics;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>Arithmetic modulo 2^255 - 19 against big integers, with many values at the edges.</summary>
internal sealed class FieldElementTests
{
    private static readonly BigInteger Prime = BigInteger.Pow(2, 255) - 19;

    [Test]
    public void Operations_agree_with_big_integers()
    {
        List<BigInteger> values = [];
        for (int i = -20; i <= 20; i++)
        {
            values.Add(i + 20);
            values.Add(Prime + Math.Min(i, 18));
            for (int limb = 1; limb < 5; limb++) values.Add((BigInteger.One << (51 * limb)) + i);
        }
        Random random = new(23);
        byte[] bytes = new byte[32];
        for (int i = 0; i < 60; i++)
        {
            random.NextBytes(bytes);
            bytes[31] &= 0x7F;
            values.Add(new BigInteger(bytes, isUnsigned: true));
        }
        foreach (BigInteger x in values)
        {
            FieldElement a = Element(x);
            Assert.That(Number(a), Is.EqualTo(Mod(x)));
            Assert.That(a.IsOdd, Is.EqualTo(!Mod(x).IsEven));
            Assert.That(Number(-a), Is.EqualTo(Mod(-x)));
            foreach (BigInteger y in values)
            {
                FieldElement b = Element(y);
                if (Number(a + b) != Mod(x + y) || Number(a - b) != Mod(x - y) || Number(a * b) != Mod(x * y)
                    || a.IsSame(b) != (Mod(x) == Mod(y))) Assert.Fail($"{x}, {y}");
            }
        }
    }

    [Test]
    public void Long_chains_of_operations_stay_exact()
    {
        Random random = new(29);
        BigInteger x = Prime - 1;
        BigInteger y = 3;
        FieldElement a = Element(x);
        FieldElement b = Element(y);
        for (int i = 0; i < 20_000; i++)
        {
            switch (random.Next(5))
            {
                case 0: (a, x) = (a + b, Mod(x + y)); break;
                case 1: (a, x) = (a - b, Mod(x - y)); break;
                case 2: (a, x) = (b - a, Mod(y - x)); break;
                case 3: (a, x) = (a * a, Mod(x * x)); break;
                default: (b, y) = (a * b, Mod(x * y)); break;
            }
        }
        Assert.That((Number(a), Number(b)), Is.EqualTo((x, y)));
        Assert.That(Number(a.RootPower()), Is.EqualTo(BigInteger.ModPow(x, (Prime - 5) / 8, Prime)));
        Assert.That(Number(a.SquaredTimes(7)), Is.EqualTo(BigInteger.ModPow(x, 128, Prime)));
    }

    private static FieldElement Element(BigInteger value)
    {
        byte[] bytes = new byte[FieldElement.Size];
        value.TryWriteBytes(bytes, out _, isUnsigned: true);
        return FieldElement.Decode(bytes);
    }

    private static BigInteger Number(FieldElement element)
    {
        byte[] bytes = new byte[FieldElement.Size];
        element.Encode(bytes);
        return new BigInteger(bytes, isUnsigned: true);
    }

    private static BigInteger Mod(BigInteger value) => ((value % Prime) + Prime) % Prime;
}
