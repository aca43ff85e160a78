namespace ZeroTier.Controller.Tests.Store;

public class MemoryControllerStoreTests : ControllerStoreConformance
{
    private readonly MemoryControllerStore _store = new();

    protected override async Task<IControllerStore> OpenAsync()
    {
        await _store.OpenAsync(Token);
        return _store;
    }
}
