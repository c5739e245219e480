package metric

import "metastorebench/harness/record"

// registry is every metric there is, in the order in which help lists them.
var registry = []Metric{
	{Name: "throughput", Title: "throughput", Unit: "ops/s", Better: Higher, PerOp: true, Summary: Blocks,
		Source: "ops.count / measure_ns", read: func(_ Machine, op string) Func { return throughput(op) }},
	{Name: "offered", Title: "offered", Unit: "ops/s", Better: Neither, PerOp: true, Summary: Blocks,
		Source: "workload.offered_ops_per_second * mix: what is due in an open loop", read: func(_ Machine, op string) Func { return offered(op) }},
	percentile("p50", 50), percentile("p90", 90), percentile("p99", 99), percentile("p99.9", 99.9),
	response("response_p50", 50), response("response_p99", 99), response("response_p99.9", 99.9),
	{Name: "failed_share", Title: "failed operations", Unit: "%", Better: Lower, Steady: true, Summary: Counted,
		Source: "ops.errors / (ops.count + ops.errors), void trials included", read: plain(failedShare)},
	{Name: "bandwidth", Title: "keys and values", Unit: "MB/s", Better: Higher, PerOp: true, Summary: Blocks,
		Source: "ops.count * (key_bytes + value_bytes) / measure_ns", read: func(_ Machine, op string) Func { return bandwidth(op) }},

	cost("store_cpu", "store CPU", "us/op", false, "store.cpu_*_seconds / operations of all types", cpuPerOp(func(t *record.Trial) record.Process { return t.Store })),
	cost("client_cpu", "client CPU", "us/op", false, "client.cpu_*_seconds / operations of all types", cpuPerOp(func(t *record.Trial) record.Process { return t.Client })),
	cost("allocs", "allocations", "allocs/op", true, "store.heap_allocs / operations; C allocations are not in it",
		func(t *record.Trial) (float64, bool) { return perOp(t, t.Store.HeapAllocs) }),
	cost("alloc_bytes", "allocated", "bytes/op", true, "store.heap_alloc_bytes / operations",
		func(t *record.Trial) (float64, bool) { return perOp(t, t.Store.HeapAllocBytes) }),
	cost("peak_rss", "peak memory", "MB", true, "store.peak_rss_bytes, since the store started",
		func(t *record.Trial) (float64, bool) {
			return float64(t.Store.PeakRSSBytes) / 1e6, t.Store.PeakRSSBytes > 0
		}),
	{Name: "cpu_share", Title: "store's share of all CPU time", Unit: "%", Better: Neither, Summary: Blocks,
		Source: "store.cpu_*_seconds / (CPUs * measure_ns)", read: func(m Machine, _ string) Func { return cpuShare(m.CPUs) }},

	cost("fsyncs_per_write", "log syncs", "syncs/write", true, "mechanism.fsyncs / applied_ops", quotient(fsyncs, appliedOps)),
	mechanism("writes_per_fsync", "writes per log sync", "writes/sync", Higher, "mechanism.applied_ops / fsyncs", quotient(appliedOps, fsyncs)),
	cost("fsync_mean", "mean log sync", "us", false, "mechanism.fsync_ns / fsyncs, device profile included",
		Scale(quotient(fsyncNS, fsyncs), 1e-3)),
	{Name: "sync_share", Title: "share of the window in log syncs", Unit: "%", Better: Neither, Summary: Blocks,
		Source: "mechanism.fsync_ns / measure_ns: one sync runs at a time", read: plain(syncShare)},
	mechanism("ops_per_proposal", "operations per proposal", "ops/entry", Neither, "mechanism.proposed_ops / proposals",
		quotient(func(m *record.Mechanism) int64 { return m.ProposedOps }, proposals)),
	cost("proposals_per_write", "proposals", "entries/write", true, "mechanism.proposals / proposed_ops",
		quotient(proposals, func(m *record.Mechanism) int64 { return m.ProposedOps })),
	mechanism("entries_per_ready", "entries per Ready", "entries", Neither, "mechanism.ready_entries / readys",
		quotient(func(m *record.Mechanism) int64 { return m.ReadyEntries }, func(m *record.Mechanism) int64 { return m.Readys })),
	mechanism("entries_per_append", "entries per append", "entries", Neither, "mechanism.append_entries / appends; a single member has none",
		quotient(func(m *record.Mechanism) int64 { return m.AppendEntries }, appends)),
	mechanism("appends_in_flight", "appends in flight", "appends", Neither, "mechanism.appends_in_flight / appends: to the same follower when one more was sent",
		quotient(func(m *record.Mechanism) int64 { return m.AppendsInFlight }, appends)),
	cost("wal_bytes_per_write", "log bytes", "bytes/write", true, "mechanism.wal_bytes / applied_ops",
		quotient(func(m *record.Mechanism) int64 { return m.WALBytes }, appliedOps)),
	cost("lock_wait", "storage lock wait", "ns/op", false, "mechanism.lock_wait_ns / operations of all types", lockWaitPerOp),
	cost("write_amplification", "write amplification", "", false, "mechanism.(storage_flushed_bytes + storage_compacted_bytes) / storage_written_bytes; the log is not in it", writeAmplification),
	cost("space_amplification", "space amplification", "", false, "mechanism.storage_table_bytes / storage_live_bytes, at the window's end",
		quotient(func(m *record.Mechanism) int64 { return m.StorageTableBytes }, func(m *record.Mechanism) int64 { return m.StorageLiveBytes })),
	mechanism("storage_written", "written into storage", "MiB", Neither, "mechanism.storage_written_bytes",
		counter(func(m *record.Mechanism) int64 { return m.StorageWrittenBytes }, 1<<20)),
	cost("storage_tables", "table files", "MiB", false, "mechanism.storage_table_bytes, at the window's end",
		counter(func(m *record.Mechanism) int64 { return m.StorageTableBytes }, 1<<20)),
	{Name: "storage_commit_rate", Title: "storage commits", Unit: "commits/s", Better: Neither, Summary: Blocks,
		Source: "mechanism.storage_commits / measure_ns: of a storage that syncs on its own, beside the log", read: plain(storageCommitRate)},
	cost("storage_commit_mean", "mean storage commit", "ms", false, "mechanism.storage_commit_ns / storage_commits",
		Scale(quotient(func(m *record.Mechanism) int64 { return m.StorageCommitNS }, func(m *record.Mechanism) int64 { return m.StorageCommits }), 1e-6)),
	{Name: "preload_rate", Title: "filling the store", Unit: "keys/s", Better: Higher, Summary: Blocks,
		Source: "workload.preload_keys / preload.duration_ns", read: plain(preloadRate)},
	cost("preload_write_amplification", "write amplification of filling", "", false, "preload.mechanism, as write_amplification", preloadWriteAmplification),

	{Name: "service_mean", Title: "mean service time of writes", Unit: "us", Better: Lower, Summary: Sums,
		Source: "ops.service_hdr of puts and deletes", read: plain(Scale(WriteTime, 1e-3))},
	stage("decode", record.StageDecode), stage("encode", record.StageEncode), stage("queue", record.StageQueue), stage("append", record.StageAppend),
	stage("commit", record.StageCommit), stage("apply", record.StageApply), stage("reply", record.StageReply),
	part("stage_outside", "client and network", "what the client measured beside the stages", outside),
	share("append_share", "log append and sync", "stage append / service_mean: the wait for other clients' syncs is in it", StageTime(record.StageAppend)),
	share("encode_share", "encoding", "stage encode / service_mean", StageTime(record.StageEncode)),
	share("encode_apply_share", "encoding and applying, which decodes", "stages encode and apply / service_mean", StageTime(record.StageEncode, record.StageApply)),
	share("apply_share", "applying", "stage apply / service_mean: decoding the entry is in it", StageTime(record.StageApply)),
	share("rpc_share", "decoding and replying", "stages decode and reply / service_mean", StageTime(record.StageDecode, record.StageReply)),
	share("rpc_outside_share", "decoding, replying, client and network", "stages decode and reply and what is outside the store / service_mean", rpcAndOutside),
	share("lock_share", "waits for the storage lock", "mechanism.lock_wait_ns / applied_ops / service_mean", lockWait),
}

// percentile is one of the service time, from the send.
func percentile(name string, p float64) Metric {
	return Metric{Name: name, Title: name, Unit: "ms", Better: Lower, PerOp: true, Summary: Merged, Percentile: p,
		Source: "ops.service_hdr: from the send to the answer", read: func(_ Machine, op string) Func { return Scale(ServicePercentile(op, p), 1e-6) }}
}

// response is one of the response time, from the intended start, which an open loop
// alone has.
func response(name string, p float64) Metric {
	return Metric{Name: name, Title: "response " + name[len("response_"):], Unit: "ms", Better: Lower, PerOp: true, Summary: Merged, Percentile: p, Response: true,
		Source: "ops.response_hdr: from the intended start; what was never sent is longer than all else",
		read:   func(_ Machine, op string) Func { return Scale(ResponsePercentile(op, p), 1e-6) }}
}

// cost is a metric of which less is better.
func cost(name, title, unit string, steady bool, source string, read Func) Metric {
	return Metric{Name: name, Title: title, Unit: unit, Better: Lower, Steady: steady, Summary: Blocks, Source: source, read: plain(read)}
}

// mechanism is a count of how the store works.
func mechanism(name, title, unit string, better Direction, source string, read Func) Metric {
	return Metric{Name: name, Title: title, Unit: unit, Better: better, Steady: true, Summary: Blocks, Source: source, read: plain(read)}
}

// stage is the mean time that a traced write spends in a stage.
func stage(title, name string) Metric {
	return part("stage_"+name, title, "stages.sum_ns."+name+" / samples", StageTime(name))
}

func part(name, title, source string, read Func) Metric {
	return Metric{Name: name, Title: title, Unit: "us", Better: Lower, Summary: Sums, Source: source, read: plain(Scale(read, 1e-3))}
}

// share is a time per write in percent of the client's mean service time.
func share(name, title, source string, read Func) Metric {
	return Metric{Name: name, Title: title, Unit: "%", Better: Neither, Summary: Blocks, Source: source, read: plain(func(t *record.Trial) (float64, bool) {
		part, ok := read(t)
		if !ok {
			return 0, false // most trials are not traced: their histograms need no decoding
		}
		all, measured := WriteTime(t)
		return 100 * part / all, measured && all > 0
	})}
}

// plain is a metric that depends neither on the machine nor on an operation type.
func plain(f Func) func(Machine, string) Func { return func(Machine, string) Func { return f } }
