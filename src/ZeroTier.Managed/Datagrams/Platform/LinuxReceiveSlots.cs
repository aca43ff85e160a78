using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// The messages that one recvmmsg may receive, each with a buffer for a run of datagrams (UDP_GRO). One block of native memory, whose pages
/// are used only as far as data are received. Used by the receive thread only.
/// </summary>
internal sealed unsafe class LinuxReceiveSlots
{
    private const int Capacity = 32;
    private const int Fewest = 4;
    private const int SlotBytes = 65_536;

    // After so many bytes acknowledgements are sent: larger batches would disturb the sender's ACK clock.
    private const int BatchBytes = 256 * 1024;
    private readonly LinuxMessageSlot* _slots;

    public LinuxReceiveSlots()
    {
        const int perSlot = LinuxSocketAddress.Space + LinuxIntControl.Space;
        int heads = Capacity * (sizeof(LinuxMessageSlot) + sizeof(LinuxVector) + perSlot);
        int data = (heads + 4095) & ~4095;
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)(data + (Capacity * SlotBytes)), 4096);
        Unsafe.InitBlock(block, 0, (uint)heads);
        _slots = (LinuxMessageSlot*)block;
        byte* vectors = block + (Capacity * sizeof(LinuxMessageSlot));
        byte* rest = vectors + (Capacity * sizeof(LinuxVector));
        for (int i = 0; i < Capacity; i++, rest += perSlot)
        {
            ref var message = ref _slots[i].Message;
            message.Vectors = (LinuxVector*)vectors + i;
            message.VectorCount = 1;
            message.Vectors->Base = block + data + (i * SlotBytes);
            message.Vectors->Length = SlotBytes;
            message.Name = rest;
            message.Control = rest + LinuxSocketAddress.Space;
        }

        Reset(Capacity);
    }

    /// <summary>How many messages to receive at once: 4 when those received last were long, up to 32 when they were short.</summary>
    public int Count { get; private set; } = Fewest;

    /// <summary>The messages, for the system call.</summary>
    public LinuxMessageSlot* First => _slots;

    public ref LinuxMessageSlot this[int i] => ref _slots[i];

    /// <summary>Makes the first messages ready for the next call, since the last one has overwritten their lengths.</summary>
    public void Reset(int received)
    {
        for (int i = 0; i < received; i++)
        {
            ref var message = ref _slots[i].Message;
            message.NameLength = (uint)sizeof(LinuxSocketAddress);
            message.ControlLength = LinuxIntControl.Space;
        }
    }

    /// <summary>The data of a received message.</summary>
    public Span<byte> DataOf(int i) => new(_slots[i].Message.Vectors->Base, (int)Math.Min(_slots[i].Length, SlotBytes));

    /// <summary>Chooses <see cref="Count"/> by what was received.</summary>
    public void Adapt(int messages, long bytes) =>
        Count = (int)Math.Clamp((long)BatchBytes * messages / Math.Max(bytes, 1), Fewest, Capacity);

    /// <summary>Frees the memory. Not to be used afterwards.</summary>
    public void Free() => NativeMemory.AlignedFree(_slots);
}
