using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests.Fakes;

/// <summary>One end of a connection between two <see cref="FakeNode"/>s; writes down what would be on the wire.</summary>
internal sealed class FakeConnection : ZeroTierConnection
{
    private readonly Pipe _in;
    private readonly Pipe _out;
    private readonly TaskCompletionSource<ZeroTierException?> _receiveEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ZeroTierException?> _sendEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FakeConnection? _remote;
    private volatile bool _closeOutput;

    public FakeConnection(NetworkId network, IPEndPoint local, IPEndPoint remote, NodeId remoteNode, ZeroTierConnectionOptions options)
    {
        Network = network;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        RemoteNode = remoteNode;
        Options = options;
        _in = new Pipe(options.InputPipeOptions);
        _out = new Pipe(options.OutputPipeOptions);
    }

    /// <summary>FIN and RST that this end sent, in order, and who aborted.</summary>
    public ConcurrentQueue<string> Wire { get; } = new();

    public ZeroTierConnectionOptions Options { get; }

    public bool ThrowOnUse { get; set; }

    public Exception? DisposeFailure { get; set; }

    /// <summary>Runs inside each abort, and may fail it.</summary>
    public Action? Aborting { get; set; }

    /// <summary>Takes what the application writes; over when its flushes say "completed".</summary>
    public Task Sending { get; private set; } = Task.CompletedTask;

    public ZeroTierPeer? Peer { get; set; }

    public bool IsDisposed { get; private set; }

    public bool IsOver => _receiveEnded.Task.IsCompleted && _sendEnded.Task.IsCompleted;

    public override NetworkId Network { get; }

    public override IPEndPoint LocalEndPoint => ThrowOnUse ? throw new InvalidOperationException("broken connection") : field;

    public override IPEndPoint RemoteEndPoint { get; }

    public override NodeId? RemoteNode { get; }

    public override PipeReader Input => _in.Reader;

    public override PipeWriter Output => _out.Writer;

    public override Task<ZeroTierException?> ReceiveEnded => _receiveEnded.Task;

    public override Task<ZeroTierException?> SendEnded => _sendEnded.Task;

    public void Connect(FakeConnection remote)
    {
        _remote = remote;
        remote._remote = this;
        Sending = PumpAsync();
        remote.Sending = remote.PumpAsync();
    }

    public override ZeroTierPeer? GetPeer() => Peer;

    public override void CloseOutput()
    {
        _closeOutput = true;
        _out.Reader.CancelPendingRead();
    }

    public override void Abort(ZeroTierException? reason)
    {
        Aborting?.Invoke();
        var error = reason ?? new ZeroTierException(ZeroTierError.ConnectionAborted, "aborted");
        if (_sendEnded.Task.IsCompleted && _receiveEnded.Task.IsCompleted)
        {
            return;
        }

        Wire.Enqueue("RST");
        Break(error);
        _remote?.Break(new ZeroTierException(ZeroTierError.ConnectionReset, "The other end reset the connection."));
    }

    /// <summary>Both directions end with an error, as after a reset or a timeout.</summary>
    public void Break(ZeroTierException error)
    {
        BreakSending(error);
        if (!_receiveEnded.Task.IsCompleted)
        {
            _in.Writer.Complete(error);
            _receiveEnded.TrySetResult(error);
        }
    }

    /// <summary>Reads hear of a loss first.</summary>
    public void BreakReading(ZeroTierException error) => _in.Writer.Complete(error);

    /// <summary>Sending ends with an error that the pipe tells, too. For an end without a remote.</summary>
    public void FailSending(ZeroTierException error)
    {
        _out.Reader.Complete(error);
        _sendEnded.TrySetResult(error);
    }

    /// <summary>The sending side hears of a loss first.</summary>
    public void BreakSending(ZeroTierException error)
    {
        if (_sendEnded.TrySetResult(error))
        {
            _closeOutput = true;
            _out.Reader.CancelPendingRead();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        IsDisposed = true;
        await _in.Reader.CompleteAsync();
        await _out.Writer.CompleteAsync();
        if (DisposeFailure is { } failure)
        {
            throw failure;
        }
    }

    private async Task PumpAsync()
    {
        try
        {
            while (true)
            {
                var result = await _out.Reader.ReadAsync();
                if (_closeOutput)
                {
                    break;
                }

                foreach (var segment in result.Buffer)
                {
                    if (!_remote!._receiveEnded.Task.IsCompleted)
                    {
                        await _remote.TakeAsync(segment);
                    }
                }

                _out.Reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }

            await _out.Reader.CompleteAsync();
            if (_sendEnded.TrySetResult(null))
            {
                Wire.Enqueue("FIN");
                _remote!.EndReceiving();
            }
        }
        catch (Exception exception)
        {
            Abort(new ZeroTierException(ZeroTierError.ConnectionAborted, exception.Message, exception));
            await _out.Reader.CompleteAsync();
        }
    }

    private async Task TakeAsync(ReadOnlyMemory<byte> data)
    {
        var flush = _in.Writer.WriteAsync(data);
        if (!flush.IsCompleted)
        {
            Options.Observer?.OnPaused(this);
            await flush;
            Options.Observer?.OnResumed(this);
        }
    }

    private void EndReceiving()
    {
        if (!_receiveEnded.Task.IsCompleted)
        {
            _in.Writer.Complete();
            _receiveEnded.TrySetResult(null);
        }
    }
}
