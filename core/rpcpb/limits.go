package rpcpb

// Bounds of a batch, beside the store's bound on the bytes of a request.
const (
	// MaxBatchOps is the most operations that a batch may hold.
	MaxBatchOps = 10_000
	// BatchOpBytes is what an operation counts for beside its key and value:
	// more than its encoding takes.
	BatchOpBytes = 16
)

// PipelineWindow is how many operations may be in flight on one stream of this
// store. A client is told by the stream's first message.
const PipelineWindow = 2048
