using AppChain.Hsm.Tests;
using NUnit.Framework;

/// <summary>After the last test of the assembly: the device of its tests is removed.</summary>
[SetUpFixture]
public sealed class SoftHsmEnd
{
    [OneTimeTearDown]
    public void Delete() => SoftHsmDevice.Delete();
}
