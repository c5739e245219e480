package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// catalog is what `metastore variants --json` printed.
func catalog(t testing.TB) Catalog {
	f, err := os.Open(filepath.Join("testdata", "variants.json"))
	require.NoError(t, err)
	defer f.Close()
	c, err := ReadCatalog(f)
	require.NoError(t, err)
	return c
}

func expand(t testing.TB, name, level string) *Matrix {
	p, err := Load(name, catalog(t))
	require.NoError(t, err)
	m, err := p.Expand(level)
	require.NoError(t, err)
	return m
}

func ids(m *Matrix, group string) []string {
	var ids []string
	for _, e := range m.Entries {
		if group == "" || e.Cell.Group == group {
			ids = append(ids, e.Cell.ID)
		}
	}
	return ids
}

// TestBuiltinPlansGolden pins every built-in plan's cells, times and options.
func TestBuiltinPlansGolden(t *testing.T) {
	for _, name := range Names() {
		var b strings.Builder
		for _, level := range Levels {
			m := expand(t, name, level)
			fmt.Fprintf(&b, "# %s: %d cells x %d blocks, planned %v\n", level, len(m.Entries), m.Blocks, m.Planned())
			for _, e := range m.Entries {
				fmt.Fprintf(&b, "%s %v+%v\n", e.Cell.ID, e.Warmup, e.Measure)
			}
		}
		path := filepath.Join("testdata", name+".golden")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), b.String(), "UPDATE_GOLDEN=1 go test ./harness/plan rewrites it")
	}
}

// promise is what a level of a plan may take, and how often it repeats.
type promise struct {
	level    string
	blocks   int
	min, max time.Duration
}

// holds checks the promises, and that smoke and full have these engines and number of
// workloads. The default level has fewer cells, so that it reaches verdicts.
func holds(t *testing.T, name string, workloads int, promises ...promise) {
	for _, p := range promises {
		m := expand(t, name, p.level)
		require.Equal(t, p.blocks, m.Blocks)
		require.GreaterOrEqual(t, m.Planned(), p.min, p.level)
		require.LessOrEqual(t, m.Planned(), p.max, p.level)
		engines, loads := map[string]bool{}, map[string]bool{}
		for _, e := range m.Entries {
			engines[e.Cell.Options["engine"]] = true
			loads[e.Cell.Workload] = true
		}
		if p.level == "default" {
			require.Subset(t, engines, map[string]bool{"memory": true, "rocksdb": true})
			continue
		}
		require.Subset(t, engines, map[string]bool{"memory": true, "pebble": true, "rocksdb": true}, p.level)
		require.Len(t, loads, workloads, p.level)
	}
}

func TestPhase1HoldsWhatWasPromised(t *testing.T) {
	holds(t, "phase1", 5,
		promise{"smoke", 1, 0, 45 * time.Second},
		promise{"default", 5, 3 * time.Minute, 5 * time.Minute},
		promise{"full", 10, 30 * time.Minute, 45 * time.Minute})
	m := expand(t, "phase1", "default")
	require.Len(t, ids(m, "factorial"), 16)
	require.Len(t, ids(m, "plan-disk"), 10)
	require.Len(t, ids(m, "sync"), 8)
	m = expand(t, "phase1", "full")
	require.Len(t, ids(m, "factorial"), 16*2)
	require.Len(t, ids(m, "engines"), 16*2*2)
	require.Len(t, ids(m, "plan-workloads"), 10*3*2)
	require.Len(t, ids(m, "plan-disk"), 11, "ten corners, and the ladder's one rung that is no corner")
}

func TestPhase2HoldsWhatWasPromised(t *testing.T) {
	holds(t, "phase2", 14,
		promise{"smoke", 1, 0, 45 * time.Second},
		promise{"default", 6, 3 * time.Minute, 5 * time.Minute},
		promise{"full", 10, 20 * time.Minute, 35 * time.Minute})
	m := expand(t, "phase2", "full")
	require.Len(t, ids(m, "memory"), 8*5)
	require.Len(t, ids(m, "engines"), 8*2*3)
	require.Len(t, ids(m, "sync"), 4*2*4)
	for _, e := range m.Entries {
		require.LessOrEqual(t, e.Workload.PreloadKeys, 10_000, "%s: a preload must cost well under a second", e.Cell.ID)
		ranges := e.Workload.Mix[record.OpRange] == 1
		require.Equal(t, e.Cell.Options["api"] == "batch" && !ranges, e.Workload.API == "batch", e.Cell.ID)
		if ranges {
			require.Equal(t, []int{10, 10_000, 10_000}, []int{e.Workload.RangeKeys, e.Workload.Keys, e.Workload.PreloadKeys}, "the plan's case")
		}
		if e.Cell.Options["wal"] == "async" {
			require.Equal(t, "sync", e.Cell.Group, "unsafe cells are compared with none but other sync policies")
		}
		if e.Cell.Options["engine"] == "memory" {
			require.Equal(t, "default", e.Cell.Options["engine-profile"], "the memory engine has no profile")
		}
	}
}

func TestPhase3HoldsWhatWasPromised(t *testing.T) {
	holds(t, "phase3", 7,
		promise{"smoke", 1, 0, 45 * time.Second},
		promise{"default", 5, 3 * time.Minute, 5 * time.Minute},
		promise{"full", 8, 20 * time.Minute, 30 * time.Minute})
	m := expand(t, "phase3", "full")
	require.Len(t, ids(m, "memory"), 16*3)
	require.Len(t, ids(m, "three-members"), 16*2)
	require.Len(t, ids(m, "engines"), 2*2*3)
	for _, e := range m.Entries {
		if e.Cell.Target == TargetStore && e.Cell.Group != "phase1-baseline" {
			require.Equal(t, e.Cell.Options["codec"] == "wire", e.Cell.Options["pool"] == "on", "%s: zero-copy is one item", e.Cell.ID)
		}
		if e.Cell.Options["conns"] == "8" {
			require.Equal(t, min(8, e.Workload.Clients), e.Workload.Conns, e.Cell.ID)
		}
	}
}

// TestALevelNarrowsItsGroups: a level leaves workloads and values out, and can add none.
func TestALevelNarrowsItsGroups(t *testing.T) {
	narrow := func(override string) (*Plan, error) {
		return Parse("p.yaml", []byte(`
name: p
title: t
baseline: {wal: perentry, engine: memory}
workloads:
  a: {type: put, clients: 1, key_bytes: 8, value_bytes: 24, keys: 10}
  b: {type: put, clients: 2, key_bytes: 8, value_bytes: 24, keys: 10}
groups:
  - {name: g, doc: d, designs: [fixed], vary: {wal: [perentry, perready]}, workloads: [a, b]}
levels:
  default: {blocks: 1, warmup: 1s, measure: 1s, groups: {g: `+override+`}}
`), nil)
	}
	p, err := narrow("{workloads: [b], vary: {wal: [perready]}}")
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	require.Equal(t, []string{"memory/b/wal=perready"}, ids(m, "g"), "named as at any other level")

	_, err = narrow("{workloads: [c], vary: {wal: [group], index: [hash]}}")
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, `p.yaml:11: level default: group g has no workload "c"; accepted: a, b`)
	require.ErrorContains(t, err, `group g does not vary wal to "group"; accepted: perentry, perready`)
	require.ErrorContains(t, err, `group g does not vary axis "index"`)
}

// TestLadderHoldsWhatWasPromised: every place of the plan's own workloads has the
// baseline and all phases, whatever the level.
func TestLadderHoldsWhatWasPromised(t *testing.T) {
	for level, most := range map[string]time.Duration{"smoke": 45 * time.Second, "default": 6 * time.Minute, "full": 20 * time.Minute} {
		m := expand(t, "ladder", level)
		require.LessOrEqual(t, m.Planned(), most, level)
		for _, group := range []string{"ladder-memory", "ladder-rocksdb", "ladder-memory-plan-disk"} {
			require.NotEmpty(t, ids(m, group), level)
			require.Zero(t, len(ids(m, group))%4, level)
		}
	}
	m := expand(t, "ladder", "full")
	for _, group := range []string{"ladder-memory", "ladder-rocksdb-plan-disk", "layers", "layers-plan-disk"} {
		require.Len(t, ids(m, group), 4*4)
	}
}

func TestPipeliningHoldsWhatWasPromised(t *testing.T) {
	for level, most := range map[string]time.Duration{"smoke": 45 * time.Second, "default": 6 * time.Minute, "full": 15 * time.Minute} {
		require.LessOrEqual(t, expand(t, "pipelining", level).Planned(), most, level)
	}
	require.Len(t, expand(t, "pipelining", "full").Entries, (1+2*3)*3*2*2, "one member has no links")
}

// TestTiedAxes: a factor of several axes moves them together, in every design, and
// shares none with another.
func TestTiedAxes(t *testing.T) {
	text := func(second string) []byte {
		return fmt.Appendf(nil, `
name: p
title: t
baseline: {engine: memory, propose: perop, codec: json, apply: perop}
full: {propose: batch, codec: protobuf, apply: batch}
factors:
  - {id: F1, axis: propose, value: batch}
  - {id: F2, axis: codec, value: protobuf, with: {%s: batch}}
workloads:
  w: {type: put, clients: 5, key_bytes: 8, value_bytes: 64, keys: 100}
groups:
  - {name: g, designs: [factorial, ladder, ends], workloads: [w]}
  - {name: h, designs: [ends], factors: [F1], workloads: [w]}
levels:
  default: {blocks: 1, warmup: 1s, measure: 1s}
`, second)
	}
	p, err := Parse("p.yaml", text("apply"), catalog(t))
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	require.Equal(t, []string{
		"memory/w/propose=perop,codec=json,apply=perop", "memory/w/propose=batch,codec=json,apply=perop",
		"memory/w/propose=perop,codec=protobuf,apply=batch", "memory/w/propose=batch,codec=protobuf,apply=batch",
	}, ids(m, "g"))
	require.Equal(t, []string{"memory/w/propose=perop", "memory/w/propose=batch"}, ids(m, "h"), "full leaves out what belongs to F2")
	_, err = Parse("p.yaml", text("propose"), catalog(t))
	require.ErrorContains(t, err, "p.yaml:8: factor F2: axis propose is moved by factor F1 too")
}

// TestSweepsHoldWhatWasPromised checks how long each sweep takes, and how far it
// goes at its full level.
func TestSweepsHoldWhatWasPromised(t *testing.T) {
	for name, tt := range map[string]struct {
		usual, full time.Duration // at most
		size        func(record.Workload) int
		from, to    int
	}{
		"sweep-clients": {6 * time.Minute, 20 * time.Minute, func(w record.Workload) int { return w.Clients }, 1, 1000},
		"sweep-values":  {6 * time.Minute, 20 * time.Minute, func(w record.Workload) int { return w.ValueBytes }, 64, 64 << 10},
		"sweep-keys":    {6 * time.Minute, 40 * time.Minute, func(w record.Workload) int { return w.PreloadKeys }, 10_000, 10_000_000},
		"indexes":       {6 * time.Minute, 20 * time.Minute, func(w record.Workload) int { return w.Clients }, 1, 1000},
		"reads":         {6 * time.Minute, 20 * time.Minute, func(w record.Workload) int { return w.Clients }, 1, 1000},
		"large":         {6 * time.Minute, 40 * time.Minute, func(w record.Workload) int { return w.PreloadKeys }, 100_000, 5_000_000},
	} {
		require.LessOrEqual(t, expand(t, name, "smoke").Planned(), 45*time.Second, name)
		require.LessOrEqual(t, expand(t, name, "default").Planned(), tt.usual, name)
		m := expand(t, name, "full")
		require.LessOrEqual(t, m.Planned(), tt.full, name)
		var sizes []int
		for _, w := range m.Workloads() {
			sizes = append(sizes, tt.size(w))
			require.True(t, w.PreloadKeys == 0 || w.PreloadKeys == w.Keys, "%s: reads must find their keys", name)
		}
		require.Equal(t, []int{tt.from, tt.to}, []int{slices.Min(sizes), slices.Max(sizes)}, name)
	}
}

// TestGroupFactors checks that a group's designs move the factors that it names
// and no others, "full" included.
func TestGroupFactors(t *testing.T) {
	text := func(factors, design string) []byte {
		return fmt.Appendf(nil, `
name: p
title: t
baseline: {engine: memory, propose: perop, codec: json, apply: perop, wal: perentry}
full: {propose: batch, codec: protobuf, apply: batch, wal: perready}
factors:
  - {id: F1, axis: propose, value: batch}
  - {id: F2, axis: codec, value: protobuf}
  - {id: F3, axis: apply, value: batch}
workloads:
  w: {type: put, clients: 5, key_bytes: 8, value_bytes: 64, keys: 100}
groups:
  - {name: g, designs: [%s], factors: [%s], workloads: [w]}
levels:
  default: {blocks: 1, warmup: 1s, measure: 1s}
`, design, factors)
	}
	for design, want := range map[string][]string{
		"factorial": {"propose=perop,apply=perop", "propose=batch,apply=perop", "propose=perop,apply=batch", "propose=batch,apply=batch"},
		"ladder":    {"propose=perop,apply=perop", "propose=batch,apply=perop", "propose=batch,apply=batch"},
		"ends":      {"propose=perop,apply=perop,wal=perentry", "propose=batch,apply=batch,wal=perready"},
	} {
		p, err := Parse("p.yaml", text("F3, F1", design), catalog(t))
		require.NoError(t, err)
		m, err := p.Expand("default")
		require.NoError(t, err)
		require.Equal(t, want, mapSlice(ids(m, "g"), func(id string) string { return strings.TrimPrefix(id, "memory/w/") }), design)
	}
	_, err := Parse("p.yaml", text("F1, F9", "factorial"), catalog(t))
	require.ErrorContains(t, err, `p.yaml:13: group g: unknown factor "F9"; accepted: F1, F2, F3`)
}

func TestLadderSwitchesOnOneItemAtATime(t *testing.T) {
	m := expand(t, "phase1", "full")
	require.Equal(t, []string{
		"memory/disk=plan/put50/propose=perop,codec=json,apply=perop,rpc=default",
		"memory/disk=plan/put50/propose=batch,codec=json,apply=perop,rpc=default",
		"memory/disk=plan/put50/propose=batch,codec=protobuf,apply=perop,rpc=default",
		"memory/disk=plan/put50/propose=batch,codec=protobuf,apply=batch,rpc=default",
		"memory/disk=plan/put50/propose=batch,codec=protobuf,apply=batch,rpc=tuned",
	}, ids(m, "plan-disk")[:5])
}

func TestCellsCarryEveryOption(t *testing.T) {
	for _, e := range expand(t, "phase1", "default").Entries {
		if e.Cell.Target == TargetNoop {
			require.Equal(t, record.Cell{ID: "noop/put100", Group: "ceiling-noop", Workload: "put100", Target: "noop",
				Options: map[string]string{"rpc": "tuned"}}, e.Cell)
			continue
		}
		require.Len(t, e.Cell.Options, 9, e.Cell.ID)
		require.Equal(t, e.Workload.Name, e.Cell.Workload)
		for _, part := range strings.Split(e.Cell.ID[strings.LastIndex(e.Cell.ID, "/")+1:], ",") {
			if axis, value, ok := strings.Cut(part, "="); ok {
				require.Equal(t, value, e.Cell.Options[axis], e.Cell.ID)
			}
		}
	}
}

// TestIDsDoNotDependOnTheLevel lets results of different levels be compared.
func TestIDsDoNotDependOnTheLevel(t *testing.T) {
	for _, name := range Names() {
		full := ids(expand(t, name, "full"), "")
		for _, level := range Levels {
			require.Subset(t, full, ids(expand(t, name, level), ""), "%s %s", name, level)
		}
	}
}

func TestCorners(t *testing.T) {
	for k, want := range map[int]int{1: 2, 2: 4, 3: 8, 4: 10, 5: 12} {
		factors := make([]factor, k)
		for i := range factors {
			factors[i] = factor{axis: fmt.Sprint("a", i), value: "on"}
		}
		points := designFuncs["corners"](&Plan{factors: factors}, group{})
		require.Len(t, points, want, "%d factors", k)
		for _, pt := range points {
			require.Contains(t, []int{0, 1, k - 1, k}, len(pt))
		}
		require.Len(t, designFuncs["factorial"](&Plan{factors: factors}, group{}), 1<<k)
	}
}

func TestScheduleIsSeededAndComplete(t *testing.T) {
	m := expand(t, "phase1", "default")
	a := m.Schedule(1)
	require.Equal(t, a, m.Schedule(1))
	require.NotEqual(t, a, m.Schedule(2))
	require.Len(t, a, m.Blocks*len(m.Entries))
	orders := make([][]int, m.Blocks)
	seeds := make(map[string]uint64)
	for i, s := range a {
		require.Equal(t, i, s.Order)
		require.Equal(t, i/len(m.Entries), s.Block, "blocks follow each other")
		orders[s.Block] = append(orders[s.Block], s.Entry)
		key := fmt.Sprint(s.Block, m.Entries[s.Entry].Workload.Name)
		if first, ok := seeds[key]; ok {
			require.Equal(t, first, s.Seed, "one seed per block and workload")
		}
		seeds[key] = s.Seed
	}
	distinct := make(map[uint64]bool)
	for _, seed := range seeds {
		distinct[seed] = true
	}
	require.Len(t, distinct, len(seeds))
	require.NotEqual(t, orders[0], orders[1], "every block has an order of its own")
	for _, o := range orders {
		slices.Sort(o)
		for i, e := range o {
			require.Equal(t, i, e, "every cell once per block")
		}
	}
}

func TestFilter(t *testing.T) {
	m := expand(t, "phase1", "full")
	count := func(terms ...string) int {
		f, err := m.Filter(terms)
		require.NoError(t, err)
		return len(f.Entries)
	}
	require.Equal(t, 96, count("workload=put1", "workload=put50", "group=factorial", "group=engines", "target=metastore"))
	require.Equal(t, 52, count("engine=rocksdb"))
	require.Equal(t, 104, count("engine=rocksdb", "engine=pebble"))
	require.Equal(t, 10, count("engine=rocksdb", "workload=mixed"))
	require.Equal(t, 1, count("noop"))
	require.Equal(t, 1, count("target=no*"))
	require.Equal(t, 17, count("disk=plan"))
	require.Equal(t, 17, count("memory/disk=plan/*"))
	require.Equal(t, 1, count("pebble/put50/propose=perop,codec=json,apply=perop,rpc=default"))
	require.Equal(t, 6, count("pebble/*propose=batch,codec=protobuf,apply=batch*", "engine=pebble")-2)

	_, err := m.Filter([]string{"engine=leveldb"})
	require.ErrorIs(t, err, ErrNoCells)
	require.ErrorContains(t, err, "engine=leveldb")
	_, err = m.Filter([]string{"["})
	require.ErrorContains(t, err, "syntax error in pattern")
}

func TestHashFollowsWhatIsMeasured(t *testing.T) {
	m := expand(t, "phase1", "default")
	require.Equal(t, m.Hash(), expand(t, "phase1", "default").Hash())
	require.NotEqual(t, m.Hash(), expand(t, "phase1", "full").Hash())
	f, err := m.Filter([]string{"engine=memory"})
	require.NoError(t, err)
	require.NotEqual(t, m.Hash(), f.Hash())

	text := m.Plan.Text
	commented, err := Parse("p.yaml", append([]byte("# a comment\n"), text...), nil)
	require.NoError(t, err)
	cm, err := commented.Expand("default")
	require.NoError(t, err)
	require.Equal(t, m.Hash(), cm.Hash())
	repeated, err := Parse("p.yaml", []byte(strings.Replace(string(text), "blocks: 5", "blocks: 4", 1)), nil)
	require.NoError(t, err)
	lm, err := repeated.Expand("default")
	require.NoError(t, err)
	require.NotEqual(t, m.Hash(), lm.Hash())
}

func TestUnavailable(t *testing.T) {
	c := catalog(t)
	require.Empty(t, c.Unavailable(map[string]string{"engine": "memory"}))
	c.axis("engine").value("rocksdb").Available = false
	require.Equal(t, "--engine rocksdb is not in this build", c.Unavailable(map[string]string{"engine": "rocksdb"}))
	c.axis("engine").value("rocksdb").Reason = "no library"
	require.Equal(t, "no library", c.Unavailable(map[string]string{"engine": "rocksdb"}))
}

func TestReadCatalogRefusesNonsense(t *testing.T) {
	for _, s := range []string{"", "{}", `[{"axis":""}]`, `[{"axis":"engine","values":[]}]`} {
		_, err := ReadCatalog(strings.NewReader(s))
		require.ErrorContains(t, err, "variants", s)
	}
}

func TestLoad(t *testing.T) {
	_, err := Load("phase9", nil)
	require.ErrorIs(t, err, ErrUnknownPlan)
	require.ErrorContains(t, err, "perf, phase1")

	m := expand(t, "perf", "default")
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, m.Plan.Text, 0o644))
	p, err := Load(path, catalog(t))
	require.NoError(t, err)
	require.Equal(t, "perf", p.Name)
	_, err = p.Expand("huge")
	require.ErrorIs(t, err, ErrUnknownLevel)
	require.ErrorContains(t, err, "smoke, default, full")
	_, err = Load(t.TempDir(), nil)
	require.ErrorContains(t, err, "read plan")
}
