using System;
using AppChain.Localnet.Tests.Fuzz;
using AppChain.Localnet.Tests.Vectors;

namespace AppChain.Localnet.Tests;

/// <summary>What these tests are as a program: the fuzz driver and the recorder of vectors.</summary>
internal static class Program
{
    private static int Main(string[] arguments) => arguments switch
    {
        ["fuzz", .. string[] rest] => FuzzProgram.Run(rest),
        ["record", string folder, .. string[] names] => VectorProgram.Run(folder, names),
        _ => Usage(),
    };

    private static int Usage()
    {
        Console.Error.WriteLine("usage: fuzz OPTIONS | record DIRECTORY [SCENARIO...]");
        return 2;
    }
}
