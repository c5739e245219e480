package main

import "strings"

// regression is a change of the store, and what the gate has to say of it.
type regression struct {
	name  string
	edits []edit
	// loads are those whose gates are run: those that the change is about. All if there
	// are none.
	loads []string
	// times are judged too, with as many blocks as they need; else counts alone.
	times bool
	// want is the exit status. What is found must name the first edit's file.
	want int
	// says is in the gate's summary.
	says string
}

// edit replaces the first text by the second, which is there exactly once in a file;
// an empty one adds the second to the end, of a new file if there is none.
type edit struct{ file, old, next string }

// statusRegressed is the gate's exit status for what it is to find.
const statusRegressed = 1

const (
	execFile    = "core/apply/exec.go"
	serviceFile = "core/api/service.go"
	codecFile   = "core/codec/codec.go"
	frameFile   = "core/wal/frame.go"
)

// before puts code in front of a line that stays.
func before(file, line, code string) edit { return edit{file, line, code + line} }

// add puts code at the end of a file.
func add(file, code string) edit { return edit{file, "", code} }

const (
	execPut     = "	prev, err := w.b.Get(req.Key)\n	if err != nil {\n		return res, err\n	}\n	if res.Err = checkPrev"
	appendEntry = "	dst = append(dst, c.Tag())\n	dst = binary"
	proposeOne  = "	res, err := s.store.Propose(ctx, cmd)\n"
	proposeMany = "		done, err = b.svc.store.ProposeBatch(ctx, cmds)\n"
	checkLease  = "// checkLease refuses a put with a lease: there are none.\nfunc checkLease(req *kv.PutRequest) error {\n	if req.Lease != 0 {\n		return kv.ErrLeaseNotFound\n	}\n	return nil\n}\n"
)

// allocations makes every command of an entry cost so many more.
func allocations(n string) []edit {
	return []edit{
		before(codecFile, appendEntry, "	for range "+n+" * len(encoded) {\n		scratch = new([32]byte)\n	}\n"),
		add(codecFile, "\nvar scratch *[32]byte\n"),
	}
}

// comments adds a line to each file.
func comments(files ...string) (all []edit) {
	for _, f := range files {
		all = append(all, add(f, "\n// Nothing follows.\n"))
	}
	return all
}

// regressions are the changes that the gate has to find.
func regressions() []regression {
	return []regression{
		{name: "allocations-10", loads: []string{"batch1"}, edits: allocations("10"), want: statusRegressed, says: "allocs@batch1"},
		{name: "allocations-60", loads: []string{"batch1"}, edits: allocations("60"), want: statusRegressed, says: "allocs@batch1"},
		{name: "sleep-on-the-path", loads: []string{"put50"}, times: true, want: statusRegressed, says: "throughput@put50", edits: []edit{
			before(serviceFile, proposeOne, "	time.Sleep(3 * time.Millisecond)\n"),
		}},
		{name: "lock-across-a-sync", loads: []string{"put50"}, times: true, want: statusRegressed, says: "throughput@put50", edits: []edit{
			before(serviceFile, proposeOne, "	proposing <- struct{}{}\n	defer func() { <-proposing }()\n"),
			add(serviceFile, "\n// proposing is held by who proposes, until it is synced and applied.\nvar proposing = make(chan struct{}, 1)\n"),
		}},
		{name: "lost-batching", loads: []string{"batch1"}, want: statusRegressed, says: "proposals_per_write@batch1", edits: []edit{
			{"core/api/batch_call.go", proposeMany, `		for from := 0; from < len(cmds) && err == nil; from += 20 {
			var some []kv.Result
			some, err = b.svc.store.ProposeBatch(ctx, cmds[from:min(from+20, len(cmds))])
			done = append(done, some...)
		}
`},
		}},
		{name: "one-more-fsync", loads: []string{"put1"}, want: statusRegressed, says: "fsyncs_per_write@put1", edits: []edit{
			before("core/wal/log.go", "	l.opts.OnSync(time.Since(begin))\n	return nil\n}\n", "	l.opts.OnSync(time.Since(begin))\n	if err := l.w.sync(); err != nil {\n		return l.fail(err)\n	}\n"),
		}},
		{name: "longer-frames", loads: []string{"put1"}, want: statusRegressed, says: "wal_bytes_per_write@put1", edits: []edit{
			{frameFile, "	return (headerBytes+n+frameAlign-1)/frameAlign*frameAlign", "	return frameAlign + (headerBytes+n+frameAlign-1)/frameAlign*frameAlign"},
		}},
		{name: "linear-scan-in-apply", loads: []string{"put50"}, times: true, want: statusRegressed, says: "store_cpu@put50", edits: []edit{
			before(execFile, execPut, "	keys := 0\n	if err := w.b.Scan(nil, nil, func(*kv.KeyValue) bool { keys++; return true }); err != nil {\n		return res, err\n	}\n"),
		}},
		{name: "wrong-answer", loads: []string{"put1"}, want: statusRegressed, says: "ead failed in", edits: []edit{
			before(execFile, execPut, "	if w.rev%97 == 50 { // acknowledged, and not done\n		w.changed = true\n		return res, nil\n	}\n"),
		}},
		{name: "removed-counter", loads: []string{"put1"}, want: statusRegressed, says: "no longer has counter metastore_wal_bytes_total", edits: []edit{
			{"core/metrics/metrics.go", "m.fsyncTime, m.walBytes, m.lockWait,", "m.fsyncTime, m.lockWait,"},
		}},
		{name: "twice-the-memory", loads: []string{"fill1"}, want: statusRegressed, says: "peak_rss@fill1", edits: []edit{
			before(execFile, execPut, "	kept = append(kept, append(make([]byte, 0, 4*len(req.Value)), req.Value...))\n"),
			add(execFile, "\n// kept has all values that there ever were.\nvar kept [][]byte\n"),
		}},
	}
}

// harmless are the changes that the gate has to let pass.
func harmless() []regression {
	return []regression{
		{name: "renames", edits: []edit{
			{execFile, "res, err = w.execPut(cmd.Put)", "res, err = w.carryOut(cmd.Put)"},
			{execFile, "// execPut carries out a put that is a command of its own.\nfunc (w *writer) execPut(", "// carryOut carries out a put that is a command of its own.\nfunc (w *writer) carryOut("},
		}},
		{name: "moved-functions", edits: []edit{
			{execFile, checkLease, ""},
			add("core/apply/lease.go", "package apply\n\nimport \"metastorebench/core/kv\"\n\n"+checkLease),
		}},
		{name: "comments", edits: comments(execFile, serviceFile, codecFile, frameFile)},
		{name: "another-layout", times: true, edits: []edit{add(serviceFile, `
func init() {
	if apart(DefaultMaxTxnOps) == 0 {
		panic("never")
	}
}

// apart moves what comes after it.
func apart(n int) int {
`+strings.Repeat("	n = n*3 + n%7\n", 300)+`	return max(n, 1)
}
`)}},
	}
}
