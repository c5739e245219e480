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
// Schema and Minor are the version of both files.
//
//   - A field whose zero value means "not measured" may be added: that is a new
//     Minor. A file of an older minor version reads as it is. Of a newer one, the
//     fields that this program does not know are left out, and Run.Newer says so;
//     what it does know means the same.
//   - Any other change is a new Schema. A reader refuses another one by ErrSchema,
//     naming both and what to do.
//   - What is neither, such as an unknown field in a file of a known version, is
//     damage: ErrDamaged, with file and line.
//
// # Trials that are made again
//
// A trial that is void for want of something that is not the store's (Trial.Retry)
// is no measurement. A resumed run makes it again and appends the new record. Both
// stay in the file; readers take the last record of a cell and block. Two records of
// which the earlier is a measurement are damage.
//
// # Units
//
// Units are in the names: _ns nanoseconds, _bytes bytes, _seconds seconds.
// Counters are deltas over the measured window unless their comment says
// otherwise.
package record

import "time"

// The version of the results schema that this package writes.
const (
	Schema = 1
	Minor  = 3
)

// Durability tiers. Results of different tiers are never ranked together.
const (
	TierSynced = "synced" // acknowledged = committed, log synced, applied
	TierUnsafe = "unsafe" // acknowledged before the sync
	TierNone   = "none"   // stores nothing: a no-op target, a ceiling
	// TierUnstated is an external target's: it does not say what an
	// acknowledgement means.
	TierUnstated = "unstated"
)

// OptionConsistency is the name under which a store that says so puts, among its
// effective options, what its reads promise: "linearizable", or ConsistencyStale
// for reads that may be older than what had been acknowledged before them.
const (
	OptionConsistency = "consistency"
	ConsistencyStale  = "stale"
)

// OptionContend is the name of the harness's option whether clients contend for a
// few keys when the measured window is over, which is what linearizability is
// checked on: they do, unless it is ContendOff.
const (
	OptionContend = "contend"
	ContendOff    = "off"
)

var tiers = []string{TierSynced, TierUnsafe, TierNone, TierUnstated}

// Manifest describes a run.
type Manifest struct {
	Schema   int       `json:"schema"`
	Minor    int       `json:"minor,omitempty"`
	Plan     string    `json:"plan"`      // plan name, e.g. "phase1"
	Level    string    `json:"level"`     // smoke, default or full
	Seed     uint64    `json:"seed"`      // every choice of the run follows from it
	Blocks   int       `json:"blocks"`    // repeats of each cell
	Started  time.Time `json:"started"`   // UTC
	Finished time.Time `json:"finished"`  // zero while the run is incomplete
	Command  []string  `json:"command"`   // argv with which to run it again
	PlanYAML string    `json:"plan_yaml"` // the plan's text
	// ClaimsYAML is the text of the file of claims that the plan names; empty if it names
	// none, and in records from before it was kept.
	ClaimsYAML string `json:"claims_yaml,omitempty"`
	// PlanHash identifies the expanded matrix; --resume demands equality.
	PlanHash string `json:"plan_hash"`
	// Only holds the filters (--only) that cut the plan down; usually empty.
	Only []string `json:"only,omitempty"`
	// StoreSHA256 is the hash, in hexadecimal, of the store's executable, empty
	// for a run without one; --resume demands equality.
	StoreSHA256 string `json:"store_sha256,omitempty"`
	// External is the endpoint of the external target, empty without one; --resume
	// demands equality.
	External string `json:"external,omitempty"`
	// Peers are the stores of others that cells run against; --resume demands
	// equality of their hashes.
	Peers []Peer `json:"peers,omitempty"`
	// Reference says that the run was made to be kept: by clean builds, and complete
	// only if every trial is valid and every check of it has decided.
	Reference bool `json:"reference,omitempty"`
	// Gate is what a run of `metabench gate` compares; nil for any other run.
	Gate    *Gate     `json:"gate,omitempty"`
	Cells   []Cell    `json:"cells"`
	Skipped []Skipped `json:"skipped"`

	Env Environment `json:"environment"`
	// Ceilings is what the machine could do at best, measured before the first
	// trial; nil if it was not.
	Ceilings *Ceilings `json:"ceilings,omitempty"`
}

// Ceilings are the results of the probes of package ceiling.
type Ceilings struct {
	Probes []Probe `json:"probes"`
}

// Probe is one quantity of the machine, measured a few times.
type Probe struct {
	Name string `json:"name"` // e.g. "grpc-unary" or "sync-latency"
	Unit string `json:"unit"` // e.g. "ops/s", "bytes/s" or "ns"
	// Params say under which conditions: clients, conns, value_bytes, ...
	Params map[string]string `json:"params,omitempty"`
	// Samples has one value per repeat, in order.
	Samples []float64 `json:"samples"`
}

// Environment is the machine and the builds.
type Environment struct {
	Commit    string `json:"commit"` // of the store; empty if nobody knows
	Dirty     bool   `json:"dirty"`  // the store's sources differed from it
	GoVersion string `json:"go_version"`
	// Harness is the program that measured; nil in records from before it was kept.
	Harness *Build `json:"harness,omitempty"`

	OS          string `json:"os"`
	Arch        string `json:"arch"`
	Kernel      string `json:"kernel"`
	CPUModel    string `json:"cpu_model"`
	CPUs        int    `json:"cpus"`
	MemoryBytes int64  `json:"memory_bytes"`
	// MachineID tells this machine from its like: a hash of /etc/machine-id, or of the
	// host's name. Empty in records from before it was kept.
	MachineID  string `json:"machine_id,omitempty"`
	Filesystem string `json:"filesystem"` // of the data directory, e.g. "ext4"
	// FilesystemID tells this filesystem from its like, as statfs(2) does; empty if it
	// does not, and in records from before it was kept.
	FilesystemID string `json:"filesystem_id,omitempty"`
	// SyncLatency is the measured fdatasync of a 4 KiB append in the data
	// directory, before the first trial: the ceilings' sync-latency, for readers
	// of the environment alone. P99 is 0 if there were too few syncs for it.
	SyncLatencyP50NS int64 `json:"sync_latency_p50_ns"`
	SyncLatencyP99NS int64 `json:"sync_latency_p99_ns"`
	SyncSamples      int   `json:"sync_samples"`
}

// Build is the executable of a program.
type Build struct {
	Revision  string `json:"revision"` // the commit of its sources; empty if nobody knows
	Modified  bool   `json:"modified"` // they differed from the commit
	GoVersion string `json:"go_version"`
	SHA256    string `json:"sha256"` // of the file, in hexadecimal
}

// Cell is one combination of levels and workload: a row of the matrix.
type Cell struct {
	ID       string `json:"id"` // stable, readable, unique in the plan
	Group    string `json:"group"`
	Workload string `json:"workload"`
	// Target is "metastore", "noop", "etcd" or "external".
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
	Minor  int    `json:"minor,omitempty"`
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

	// Preload is nil if the workload has none.
	Preload *Preload `json:"preload,omitempty"`

	Ops []OpStats `json:"ops"`
	// ThroughputSeries counts completed operations per SeriesStepNS of the
	// measured window.
	ThroughputSeries []int64 `json:"throughput_series"`
	SeriesStepNS     int64   `json:"series_step_ns"`

	// Store is the use of all processes of the target together; of a cluster,
	// every member.
	Store  Process `json:"store"`
	Client Process `json:"client"`
	// Machine is nil where the system does not tell.
	Machine *Machine `json:"machine,omitempty"`
	// Mechanism is nil for a target that shows no counters.
	Mechanism *Mechanism `json:"mechanism,omitempty"`
	// OpenLoop is nil in a closed loop.
	OpenLoop *OpenLoop `json:"open_loop,omitempty"`
	// Stages is nil unless the store traced its stages.
	Stages *Stages `json:"stages,omitempty"`

	Checks []Check `json:"checks"`
	// Void says why the numbers must not be used; empty means valid.
	Void string `json:"void,omitempty"`
	// Retry says that the trial is void for want of something that is not the store's:
	// the target did not start, a port was taken, the disk was full. It says nothing
	// about the cell, and a resumed run makes it again.
	Retry bool `json:"retry,omitempty"`
}

// Op is the trial's statistics of an operation type, nil without any.
func (t *Trial) Op(name string) *OpStats {
	for i := range t.Ops {
		if t.Ops[i].Op == name {
			return &t.Ops[i]
		}
	}
	return nil
}

// Preload is what it took to fill the store before the warm-up: the workload's
// PreloadKeys, each put once, in no sorted order.
type Preload struct {
	DurationNS int64 `json:"duration_ns"`
	// Mechanism counts from the store's start to the end of the preload; nil for a
	// target that shows no counters.
	Mechanism *Mechanism `json:"mechanism,omitempty"`
}

// Workload holds the effective workload parameters.
type Workload struct {
	Name string `json:"name"` // the plan's name for it, e.g. "put50"
	Type string `json:"type"` // what clients do: one of workload.Types
	Loop string `json:"loop"` // LoopClosed or LoopOpen
	// Arrivals is how the intended starts of an open loop are spaced:
	// ArrivalsConstant or ArrivalsPoisson; empty in a closed loop.
	Arrivals string `json:"arrivals,omitempty"`
	// OfferedOpsPerSecond is the rate of intended starts of an open loop, of all
	// operation types and clients together; 0 in a closed loop.
	OfferedOpsPerSecond float64 `json:"offered_ops_per_second,omitempty"`
	// Clients send at the same time. In an open loop they bound the operations
	// in flight: one that is due while all are busy waits, with its response
	// time running.
	Clients      int     `json:"clients"`
	Conns        int     `json:"conns"`
	KeyBytes     int     `json:"key_bytes"`
	ValueBytes   int     `json:"value_bytes"`
	Keys         int     `json:"keys"`
	Distribution string  `json:"distribution"` // uniform or zipfian
	ZipfTheta    float64 `json:"zipf_theta,omitempty"`
	PreloadKeys  int     `json:"preload_keys"`
	// RangeKeys is how many neighbouring keys a range reads, from a random one on;
	// 0: all keys of one prefix. RangeLimit bounds the pairs that it is answered
	// with, 0: not at all.
	RangeKeys  int   `json:"range_keys,omitempty"`
	RangeLimit int64 `json:"range_limit,omitempty"`
	// API is how operations reach the store: "grpc", "http" for the JSON gateway,
	// or "batch" for many in one call of the store's own service.
	API string `json:"api"`
	// Client is what makes the calls: "grpc-go", or "lean" for core/client's own. Empty
	// over HTTP, and in records from before there was a choice, which had grpc-go.
	Client string `json:"client,omitempty"`
	// BatchOps is the number of operations in one call of the API "batch"; 0 with
	// any other. Ranges are sent one by one.
	BatchOps int `json:"batch_ops,omitempty"`
	// Operations, if not 0, ends the measured window of a closed loop after so many
	// operations, of all clients together, instead of after a time. Nothing is under
	// way at its edges, so that counters and counts are of the same operations.
	Operations int `json:"operations,omitempty"`
	// Mix names each operation type's share of the clients.
	Mix map[string]float64 `json:"mix"`
}

// What makes the calls. ClientLean, core/client's own, makes single calls alone.
const (
	ClientGRPC = "grpc-go"
	ClientLean = "lean"
)

// Loops. In a closed one a client sends when it has been answered; in an open
// one operations start at times that do not depend on answers.
const (
	LoopClosed = "closed"
	LoopOpen   = "open"
)

// Arrivals of an open loop.
const (
	ArrivalsConstant = "constant" // equal gaps
	ArrivalsPoisson  = "poisson"  // independent, exponentially distributed gaps
)

// Operation types.
const (
	OpPut    = "put"
	OpGet    = "get"
	OpRange  = "range"
	OpDelete = "delete"
)

// OpStats is one operation type's outcome in the measured window. Failed
// operations are in Errors and in the histograms alike. The operations of a batch
// count one by one, each with the time of its batch.
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
	// OutOfRange counts durations outside the histograms' range; they are in no
	// bucket. An operation may be out of both.
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

// Machine is what the whole machine did over the measured window, all CPUs
// added up, from /proc/stat and /proc/net/dev.
type Machine struct {
	UserSeconds   float64 `json:"user_seconds"` // nice included
	SystemSeconds float64 `json:"system_seconds"`
	IdleSeconds   float64 `json:"idle_seconds"`
	IOWaitSeconds float64 `json:"iowait_seconds"`
	// StealSeconds is time that the hypervisor gave to others: a noisy
	// neighbour.
	StealSeconds    float64 `json:"steal_seconds"`
	ContextSwitches int64   `json:"context_switches"`
	LoopbackBytes   int64   `json:"loopback_bytes"` // sent over lo
}

// OpenLoop says how well the generator kept to its schedule. Durations are
// HdrHistograms encoded as in OpStats; those below their range are recorded as
// its least value.
type OpenLoop struct {
	Due  int64 `json:"due"`  // intended starts in the measured window
	Sent int64 `json:"sent"` // of those, sent
	// Unsent were due in the window and never sent: they were given up after
	// having waited load.Patience for a free client.
	Unsent int64 `json:"unsent"`
	// SendLagHDR is the time from the intended start to the send.
	SendLagHDR string `json:"send_lag_hdr"`
	// TimingErrorHDR is the same for operations that found a free client when
	// they were due: the generator's own error.
	TimingErrorHDR string `json:"timing_error_hdr"`
	// MaxBacklog is the most operations that were due and waiting to be sent
	// behind one that was being sent; of a mixed workload, the sum of those of
	// its operation types.
	MaxBacklog int64 `json:"max_backlog"`
}

// Stages of a write inside the store, in their order. They follow one another
// without gap or overlap.
const (
	StageDecode = "decode" // from the request's arrival at the server to the handler's end of validation
	StageEncode = "encode" // making the command's bytes
	StageQueue  = "queue"  // waiting to be proposed
	StageAppend = "append" // in the log's append and sync, waiting for its turn included
	StageCommit = "commit" // from the synced log to the apply stage
	StageApply  = "apply"  // decoding and carrying out, up to the engine's commit
	StageReply  = "reply"  // from there to the reply's hand-over to the transport
)

// StageNames lists the stages in their order.
func StageNames() []string {
	return []string{StageDecode, StageEncode, StageQueue, StageAppend, StageCommit, StageApply, StageReply}
}

// Stages is the store's sampled account of where the time of its writes went.
type Stages struct {
	SampleEvery int64 `json:"sample_every"` // one write in so many was traced
	Samples     int64 `json:"samples"`      // writes traced
	// SumNS has the time of all samples by stage.
	SumNS map[string]int64 `json:"sum_ns"`
	// TotalNS is all samples' time in the store, measured apart from the stages.
	TotalNS int64 `json:"total_ns"`
}

// Untold stands for a counter of Mechanism that the target does not show.
const Untold = -1

// Mechanism holds the store's counters that explain a throughput. A peer's are
// those of its own that mean the same, the others Untold. Of a cluster, they are
// the leader's.
type Mechanism struct {
	AppliedOps   int64 `json:"applied_ops"`   // write commands applied
	Proposals    int64 `json:"proposals"`     // log entries proposed
	ProposedOps  int64 `json:"proposed_ops"`  // commands in them
	Readys       int64 `json:"readys"`        // Readys that held entries
	ReadyEntries int64 `json:"ready_entries"` // entries in them
	// Messages with log entries that a leader sent to followers, the entries in
	// them, and the sum, over these messages, of how many were in flight to the same
	// follower. All 0 for a single member, and in records from before they were kept.
	Appends         int64 `json:"appends,omitempty"`
	AppendEntries   int64 `json:"append_entries,omitempty"`
	AppendsInFlight int64 `json:"appends_in_flight,omitempty"`
	Fsyncs          int64 `json:"fsyncs"`       // syncs of the log
	FsyncNS         int64 `json:"fsync_ns"`     // time in them, device profile included
	WALBytes        int64 `json:"wal_bytes"`    // bytes appended to the log
	LockWaitNS      int64 `json:"lock_wait_ns"` // waiting for the storage lock
	// What the storage library moved, and what it held at the end; all zero for
	// an engine that keeps no account, such as memory. Write amplification is
	// (flushed + compacted) / written, space amplification table / live; neither
	// holds the log, which is WALBytes.
	StorageWrittenBytes        int64 `json:"storage_written_bytes,omitempty"`         // keys and values, as stored, that came in
	StorageFlushedBytes        int64 `json:"storage_flushed_bytes,omitempty"`         // table files written from memtables
	StorageCompactedBytes      int64 `json:"storage_compacted_bytes,omitempty"`       // table files written by compactions
	StorageCompactionReadBytes int64 `json:"storage_compaction_read_bytes,omitempty"` // read by compactions
	StorageTableBytes          int64 `json:"storage_table_bytes,omitempty"`           // table files at the end of the window
	StorageLiveBytes           int64 `json:"storage_live_bytes,omitempty"`            // the library's estimate of them without dead data
	// Commits of storage that are synced on their own, beside the log: etcd's
	// backend. 0 for a store that has none.
	StorageCommits  int64 `json:"storage_commits,omitempty"`
	StorageCommitNS int64 `json:"storage_commit_ns,omitempty"` // time in them
	TotalAppliedOps int64 `json:"total_applied_ops"`           // since the store started, at the end of the trial
}
