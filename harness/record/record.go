// Package record is the results schema: what one trial leaves behind and what
// describes a run. It is a leaf that the whole analysis side reads; nothing in
// a report comes from anywhere else.
//
// # Files of a run
//
//	results/<plan>-<time>/
//	  manifest.json    Manifest: what was run, where, with which ceilings
//	  records.jsonl    one Trial per line, appended and synced as trials end
//	  figures/         drawn from the two files above
//
// records.jsonl may instead be records.jsonl.gz (reference runs). A last line
// that is cut short is an interrupted trial: it is dropped when a run resumes.
// Damage anywhere else is an error.
//
// # Versioning
//
// Schema is the version of both files. A reader refuses any other version by
// ErrSchema, naming both. A field may be added without a new version if its
// zero value means "not measured".
//
// # Units
//
// Units are in the names: _ns nanoseconds, _bytes bytes, _seconds seconds.
// Counters are deltas over the measured window unless their comment says
// otherwise.
package record

import "time"

// Schema is the version of the results schema that this package writes.
const Schema = 1

// Durability tiers. Results of different tiers are never ranked together.
const (
	TierSynced = "synced" // acknowledged = committed, log synced, applied
	TierUnsafe = "unsafe" // acknowledged before the sync
	TierNone   = "none"   // stores nothing: a no-op target, a ceiling
	// TierUnstated is an external target's: it does not say what an
	// acknowledgement means.
	TierUnstated = "unstated"
)

var tiers = []string{TierSynced, TierUnsafe, TierNone, TierUnstated}

// Manifest describes a run.
type Manifest struct {
	Schema   int       `json:"schema"`
	Plan     string    `json:"plan"`      // plan name, e.g. "phase1"
	Level    string    `json:"level"`     // smoke, default or full
	Seed     uint64    `json:"seed"`      // every choice of the run follows from it
	Blocks   int       `json:"blocks"`    // repeats of each cell
	Started  time.Time `json:"started"`   // UTC
	Finished time.Time `json:"finished"`  // zero while the run is incomplete
	Command  []string  `json:"command"`   // argv with which to run it again
	PlanYAML string    `json:"plan_yaml"` // the plan's text
	// PlanHash identifies the expanded matrix; --resume demands equality.
	PlanHash string `json:"plan_hash"`
	// Only holds the filters (--only) that cut the plan down; usually empty.
	Only []string `json:"only,omitempty"`
	// StoreSHA256 is the hash, in hexadecimal, of the store's executable, empty
	// for a run without one; --resume demands equality.
	StoreSHA256 string    `json:"store_sha256,omitempty"`
	Cells       []Cell    `json:"cells"`
	Skipped     []Skipped `json:"skipped"`

	Env Environment `json:"environment"`
}

// Environment is the machine and the build.
type Environment struct {
	Commit      string `json:"commit"` // empty outside a git checkout
	Dirty       bool   `json:"dirty"`
	GoVersion   string `json:"go_version"`
	OS          string `json:"os"`
	Arch        string `json:"arch"`
	Kernel      string `json:"kernel"`
	CPUModel    string `json:"cpu_model"`
	CPUs        int    `json:"cpus"`
	MemoryBytes int64  `json:"memory_bytes"`
	Filesystem  string `json:"filesystem"` // of the data directory, e.g. "ext4"
	// SyncLatency is the measured fdatasync of a 4 KiB append in the data
	// directory, before the first trial.
	SyncLatencyP50NS int64 `json:"sync_latency_p50_ns"`
	SyncLatencyP99NS int64 `json:"sync_latency_p99_ns"`
	SyncSamples      int   `json:"sync_samples"`
}

// Cell is one combination of levels and workload: a row of the matrix.
type Cell struct {
	ID       string `json:"id"` // stable, readable, unique in the plan
	Group    string `json:"group"`
	Workload string `json:"workload"`
	// Target is "metastore", "noop" or "external".
	Target string `json:"target"`
	// Options are the axis values given to the store and client, by axis name
	// (propose, codec, apply, rpc, wal, index, engine, engine-profile, api,
	// conns, pool, pipeline, read) and environment factors (disk).
	Options map[string]string `json:"options"`
}

// Skipped is a cell that could not run here, with the reason.
type Skipped struct {
	Cell   string `json:"cell"`
	Reason string `json:"reason"`
}

// Trial is one sample: one fresh store process on fresh data.
type Trial struct {
	Schema int    `json:"schema"`
	Cell   string `json:"cell"`
	Block  int    `json:"block"` // from 0
	Order  int    `json:"order"` // position in the run, from 0
	Seed   uint64 `json:"seed"`

	Started   time.Time `json:"started"`
	WarmupNS  int64     `json:"warmup_ns"`
	MeasureNS int64     `json:"measure_ns"` // actual length of the measured window

	// Effective is the store's own account of its options after defaults.
	Effective  map[string]string `json:"effective_options"`
	Durability string            `json:"durability"`
	Workload   Workload          `json:"workload"`

	Ops []OpStats `json:"ops"`
	// ThroughputSeries counts completed operations per SeriesStepNS of the
	// measured window.
	ThroughputSeries []int64 `json:"throughput_series"`
	SeriesStepNS     int64   `json:"series_step_ns"`

	Store  Process `json:"store"`
	Client Process `json:"client"`
	// Mechanism is nil for a target that shows no counters.
	Mechanism *Mechanism `json:"mechanism,omitempty"`

	Checks []Check `json:"checks"`
	// Void says why the numbers must not be used; empty means valid.
	Void string `json:"void,omitempty"`
}

// Workload holds the effective workload parameters.
type Workload struct {
	Name         string  `json:"name"` // the plan's name for it, e.g. "put50"
	Type         string  `json:"type"` // what clients do: one of workload.Types
	Loop         string  `json:"loop"` // "closed" or "open"
	Clients      int     `json:"clients"`
	Conns        int     `json:"conns"`
	KeyBytes     int     `json:"key_bytes"`
	ValueBytes   int     `json:"value_bytes"`
	Keys         int     `json:"keys"`
	Distribution string  `json:"distribution"` // uniform or zipfian
	ZipfTheta    float64 `json:"zipf_theta,omitempty"`
	PreloadKeys  int     `json:"preload_keys"`
	RangeLimit   int64   `json:"range_limit,omitempty"`
	// API is how operations reach the store: "grpc", or "http" for the JSON
	// gateway.
	API string `json:"api"`
	// Mix names each operation type's share of the clients.
	Mix map[string]float64 `json:"mix"`
}

// Operation types.
const (
	OpPut    = "put"
	OpGet    = "get"
	OpRange  = "range"
	OpDelete = "delete"
)

// OpStats is one operation type's outcome in the measured window. Failed
// operations are in Errors and in the histograms alike.
type OpStats struct {
	Op     string           `json:"op"`
	Count  int64            `json:"count"`            // completed with success
	Errors map[string]int64 `json:"errors,omitempty"` // by gRPC code
	// ServiceHDR is the service time (from the send) in ns, an HdrHistogram in
	// the V2 compressed encoding, base64; 3 significant digits, 1 us to 60 s.
	ServiceHDR string `json:"service_hdr"`
	// ResponseHDR is the response time from the intended start; empty in a
	// closed loop, which has none.
	ResponseHDR string `json:"response_hdr,omitempty"`
	// OutOfRange counts durations outside the histogram's range; they are in no
	// bucket.
	OutOfRange int64 `json:"out_of_range"`
}

// Process is a process's resource use over the measured window.
type Process struct {
	CPUUserSeconds   float64 `json:"cpu_user_seconds"`
	CPUSystemSeconds float64 `json:"cpu_system_seconds"`
	// PeakRSSBytes is the high-water mark since the process started.
	PeakRSSBytes int64 `json:"peak_rss_bytes"`
	// HeapAllocs and HeapAllocBytes count Go heap allocations; -1 if unknown.
	HeapAllocs     int64 `json:"heap_allocs"`
	HeapAllocBytes int64 `json:"heap_alloc_bytes"`
}

// Mechanism holds the store's counters that explain a throughput.
type Mechanism struct {
	AppliedOps      int64 `json:"applied_ops"`       // write commands applied
	Proposals       int64 `json:"proposals"`         // log entries proposed
	ProposedOps     int64 `json:"proposed_ops"`      // commands in them
	Readys          int64 `json:"readys"`            // Readys that held entries
	ReadyEntries    int64 `json:"ready_entries"`     // entries in them
	Fsyncs          int64 `json:"fsyncs"`            // syncs of the log
	FsyncNS         int64 `json:"fsync_ns"`          // time in them, device profile included
	WALBytes        int64 `json:"wal_bytes"`         // bytes appended to the log
	LockWaitNS      int64 `json:"lock_wait_ns"`      // waiting for the storage lock
	TotalAppliedOps int64 `json:"total_applied_ops"` // since the store started, at the end of the trial
}

// Check is one verification made inside the trial.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail says what was compared, and what differed when it failed.
	Detail string `json:"detail"`
}
