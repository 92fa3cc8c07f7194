using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// Determinism of the core, read from the compiled assemblies: what an analyzer of the source cannot see is still
/// there.
/// </summary>
[TestFixture]
public sealed class CompiledCoreTests
{
    private static readonly string[] s_forbiddenNamespaces =
        [
            "System.IO", "System.Net", "System.Threading", "System.Globalization", "System.Linq",
            "System.Collections.Concurrent",
        ];

    private static readonly string[] s_forbiddenTypes =
    [
        "System.DateTime", "System.DateTimeOffset", "System.TimeProvider", "System.Diagnostics.Stopwatch",
        "System.Environment",
        "System.Console", "System.Random", "System.Security.Cryptography.RandomNumberGenerator", "System.Guid",
        "System.Decimal", "System.Half", "System.MathF", "System.Activator", "System.HashCode",
    ];

    public static IEnumerable<string> Assemblies()
    {
        yield return typeof(Risk).Assembly.Location;
        yield return typeof(Liquidation.Deleveraging).Assembly.Location;
        yield return typeof(Exchange).Assembly.Location;
    }

    [TestCaseSource(nameof(Assemblies))]
    public void The_core_refers_to_no_clock_no_thread_no_file_no_culture(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        MetadataReader metadata = file.GetMetadataReader();
        var found = new List<string>();
        foreach (TypeReferenceHandle handle in metadata.TypeReferences)
        {
            TypeReference type = metadata.GetTypeReference(handle);
            string space = metadata.GetString(type.Namespace);
            string name = $"{space}.{metadata.GetString(type.Name)}";
            bool forbidden = s_forbiddenTypes.Contains(name)
                || s_forbiddenNamespaces.Any(
                    banned => space == banned || space.StartsWith(banned + ".", StringComparison.Ordinal));
            if (forbidden)
            {
                found.Add(name);
            }
        }

        Assert.That(metadata.TypeReferences, Is.Not.Empty);
        Assert.That(found, Is.Empty);
    }

    [TestCaseSource(nameof(Assemblies))]
    public void The_core_declares_no_floating_point(string path) => Assert.That(FloatingMembers(path), Is.Empty);

    [Test]
    public void The_search_finds_floating_point_where_there_is_some() =>
        Assert.That(FloatingMembers(typeof(Math).Assembly.Location), Does.Contain(nameof(Math.Sqrt)));

    private static List<string> FloatingMembers(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        MetadataReader metadata = file.GetMetadataReader();
        var floats = new FloatFinder();
        var found = new List<string>();
        foreach (MethodDefinitionHandle handle in metadata.MethodDefinitions)
        {
            MethodDefinition method = metadata.GetMethodDefinition(handle);
            MethodSignature<bool> signature = method.DecodeSignature(floats, null!);
            bool floating = signature.ReturnType || signature.ParameterTypes.Any(isFloat => isFloat);
            if (method.RelativeVirtualAddress != 0)
            {
                MethodBodyBlock body = file.GetMethodBody(method.RelativeVirtualAddress);
                if (!body.LocalSignature.IsNil)
                {
                    ImmutableArray<bool> locals = metadata.GetStandaloneSignature(body.LocalSignature)
                        .DecodeLocalSignature(floats, null!);
                    floating |= locals.Any(isFloat => isFloat);
                }
            }

            if (floating)
            {
                found.Add(metadata.GetString(method.Name));
            }
        }

        foreach (FieldDefinitionHandle handle in metadata.FieldDefinitions)
        {
            FieldDefinition field = metadata.GetFieldDefinition(handle);
            if (field.DecodeSignature(floats, null!))
            {
                found.Add(metadata.GetString(field.Name));
            }
        }

        return found;
    }

    // Decodes a signature to whether a floating-point type is in it.
    private sealed class FloatFinder : ISignatureTypeProvider<bool, object>
    {
        public bool GetArrayType(bool elementType, ArrayShape shape) => elementType;

        public bool GetByReferenceType(bool elementType) => elementType;

        public bool GetFunctionPointerType(MethodSignature<bool> signature) =>
            signature.ReturnType || signature.ParameterTypes.Any(isFloat => isFloat);

        public bool GetGenericInstantiation(bool genericType, ImmutableArray<bool> typeArguments) =>
            genericType || typeArguments.Any(isFloat => isFloat);

        public bool GetGenericMethodParameter(object genericContext, int index) => false;

        public bool GetGenericTypeParameter(object genericContext, int index) => false;

        public bool GetModifiedType(bool modifier, bool unmodifiedType, bool isRequired) => unmodifiedType;

        public bool GetPinnedType(bool elementType) => elementType;

        public bool GetPointerType(bool elementType) => elementType;

        public bool GetPrimitiveType(PrimitiveTypeCode typeCode) =>
            typeCode is PrimitiveTypeCode.Single or PrimitiveTypeCode.Double;

        public bool GetSZArrayType(bool elementType) => elementType;

        public bool GetTypeFromDefinition(
            MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => false;

        public bool GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => false;

        public bool GetTypeFromSpecification(
            MetadataReader reader, object genericContext, TypeSpecificationHandle handle, byte rawTypeKind) => false;
    }
}
