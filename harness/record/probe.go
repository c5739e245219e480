package record

import "strconv"

// Names of probes. Each is what the machine can do at best in one respect.
const (
	ProbeUnary             = "grpc-unary"         // ops/s: one put per call
	ProbeBatch             = "grpc-batch"         // ops/s: many puts per call
	ProbeStream            = "grpc-stream"        // ops/s: many puts in flight on a stream
	ProbeSyncLatency       = "sync-latency"       // ns: one fdatasync of a small append
	ProbeSyncBandwidth     = "sync-bandwidth"     // bytes/s: writes, each followed by an fdatasync
	ProbeLoopbackLatency   = "loopback-latency"   // ns: one request and its response over TCP
	ProbeLoopbackBandwidth = "loopback-bandwidth" // bytes/s: one way over TCP
	ProbeCodecEncode       = "codec-encode"       // ns: one put made into a log entry
	ProbeCodecDecode       = "codec-decode"       // ns: one log entry made into a put
)

// Units of probes.
const (
	UnitOps   = "ops/s"
	UnitBytes = "bytes/s"
	UnitNS    = "ns"
)

// Keys of a probe's Params.
const (
	ParamClients    = "clients" // goroutines that send
	ParamConns      = "conns"   // connections that they share
	ParamRPC        = "rpc"     // gRPC settings of both sides
	ParamKeyBytes   = "key_bytes"
	ParamValueBytes = "value_bytes"
	ParamBatch      = "batch"       // operations per call
	ParamWindow     = "window"      // operations in flight on a stream, at most
	ParamPerMessage = "per_message" // operations in a message, at most
	ParamPercentile = "percentile"  // which of the syncs' durations
	ParamSyncs      = "syncs"       // syncs timed, all repeats together
	ParamBytes      = "bytes"       // of one write, request or transfer
	ParamCodec      = "codec"       // value of the codec axis
	ParamEntryBytes = "entry_bytes" // length of the log entry
	ParamAllocs     = "allocs"      // heap allocations per operation
)

// Int returns a parameter that is a whole number, and whether the probe has it.
func (p Probe) Int(param string) (int, bool) {
	n, err := strconv.Atoi(p.Params[param])
	return n, err == nil
}

// Find returns the probes of a name, in order. A nil receiver has none.
func (c *Ceilings) Find(name string) []Probe {
	var found []Probe
	if c == nil {
		return nil
	}
	for _, p := range c.Probes {
		if p.Name == name {
			found = append(found, p)
		}
	}
	return found
}
