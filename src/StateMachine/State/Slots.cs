using System;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// A journaled pool of structs addressed by slot number. Slots are reused; their numbers never reach the app hash.
/// The first write to a slot after a savepoint saves the old image, so undoing restores links and all.
/// </summary>
internal sealed class Slots<T> : IJournaled
    where T : struct
{
    private const int Added = 0;
    private const int Removed = 1;
    private const int Written = 2;

    private readonly Journal _journal;
    private T[] _items;
    private long[] _savedAt;
    private int[] _free = new int[16];
    private int _freeCount;
    private int _end;

    private T[] _images = new T[16];
    private long[] _imageStamps = new long[16];
    private int _imageCount;

    /// <summary>An empty pool that grows as needed.</summary>
    public Slots(Journal journal, int capacity = 64)
    {
        _journal = journal;
        _items = new T[capacity];
        _savedAt = new long[capacity];
    }

    /// <summary>Slots in use.</summary>
    public int Count => _end - _freeCount;

    /// <summary>Reads a slot in use. Reading a free slot is the caller's error and gives a cleared item.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref readonly T Read(int slot) => ref _items[slot];

    /// <summary>
    /// Opens a slot for writing; saves its image if this savepoint has not done so. The reference is good until the
    /// next <see cref="Add"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref T Write(int slot)
    {
        if (_savedAt[slot] < _journal.Serial)
        {
            SaveImage(slot, Written);
        }

        return ref _items[slot];
    }

    /// <summary>Takes a slot and stores the item; returns the slot.</summary>
    public int Add(in T item)
    {
        int slot;
        int fresh = 0;
        if (_freeCount > 0)
        {
            slot = _free[--_freeCount];
        }
        else
        {
            slot = _end++;
            fresh = 1;
            if (slot == _items.Length)
            {
                Array.Resize(ref _items, slot * 2);
                Array.Resize(ref _savedAt, slot * 2);
            }
        }

        _items[slot] = item;
        _savedAt[slot] = _journal.Serial;
        _journal.Record(this, Added, slot, fresh);
        return slot;
    }

    /// <summary>Frees the slot; the image stays until the journal forgets it.</summary>
    public void Remove(int slot)
    {
        SaveImage(slot, Removed);
        _items[slot] = default;
        PushFree(slot);
    }

    /// <summary>Forgets the saved images; call together with <see cref="Journal.Forget"/>.</summary>
    public void Forget()
    {
        Array.Clear(_images, 0, _imageCount);
        _imageCount = 0;
        Array.Clear(_savedAt, 0, _end);
    }

    /// <inheritdoc/>
    public void Undo(int operation, int slot, int detail)
    {
        if (operation == Added)
        {
            _items[slot] = default;
            _savedAt[slot] = 0;
            if (detail == 1)
            {
                Invariant.Assert(slot == _end - 1);
                _end--;
            }
            else
            {
                PushFree(slot);
            }

            return;
        }

        if (operation == Removed)
        {
            Invariant.Assert(_free[_freeCount - 1] == slot);
            _freeCount--;
        }

        _imageCount--;
        _items[slot] = _images[_imageCount];
        _savedAt[slot] = _imageStamps[_imageCount];
        _images[_imageCount] = default;
    }

    private void SaveImage(int slot, int operation)
    {
        if (_imageCount == _images.Length)
        {
            Array.Resize(ref _images, _imageCount * 2);
            Array.Resize(ref _imageStamps, _imageCount * 2);
        }

        _images[_imageCount] = _items[slot];
        _imageStamps[_imageCount] = _savedAt[slot];
        _imageCount++;
        _savedAt[slot] = _journal.Serial;
        _journal.Record(this, operation, slot, 0);
    }

    private void PushFree(int slot)
    {
        if (_freeCount == _free.Length)
        {
            Array.Resize(ref _free, _freeCount * 2);
        }

        _free[_freeCount++] = slot;
    }
}
