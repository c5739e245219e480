package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"metastorebench/harness/record"
)

// schemaHistory is the version of the history's lines.
const schemaHistory = 1

// Entry is one line of the history: what a run measured of its head.
type Entry struct {
	Schema  int       `json:"schema"`
	Time    time.Time `json:"time"` // when the run began, UTC
	Commit  string    `json:"commit"`
	Subject string    `json:"subject"`
	Dirty   bool      `json:"dirty,omitempty"`
	// Machine names what figures depend on beside the store. Entries of different
	// machines are no series.
	Machine string  `json:"machine"`
	Outcome Verdict `json:"outcome"`
	Values  []Value `json:"values"`
}

// Value is the median of a gate's metric on head.
type Value struct {
	Gate   string  `json:"gate"` // metric@load
	Unit   string  `json:"unit"`
	Median float64 `json:"median"`
	Blocks int     `json:"blocks"` // of the decision; above 0
}

// Entry returns the history's line of a result.
func (r *Result) Entry() Entry {
	m := r.Manifest
	e := Entry{Schema: schemaHistory, Time: m.Started, Machine: machine(m), Outcome: r.Outcome}
	if head := r.Gate.Arm(record.ArmHead); head != nil {
		e.Commit, e.Subject, e.Dirty = head.Commit, head.Subject, head.Dirty
	}
	for _, w := range r.Rows {
		if w.New > 0 && w.N > 0 {
			e.Values = append(e.Values, Value{Gate: w.Gate.Name(), Unit: w.Gate.Metric.Unit, Median: w.New, Blocks: w.N})
		}
	}
	return e
}

// machine names a run's machine, toolchain and loads.
func machine(m record.Manifest) string {
	env := m.Env
	return fmt.Sprintf("%d x %s, %.1f GiB, %s, %s, %s/%s, plan %s", env.CPUs, env.CPUModel, float64(env.MemoryBytes)/(1<<30),
		env.Filesystem, env.GoVersion, env.OS, env.Arch, m.Plan)
}

// AppendHistory adds an entry to the history, which is made if it is not there.
// The line is written in one piece and synced, under a lock on the file. A file
// that ends within a line is ErrHistory: a later line would be lost with it.
func AppendHistory(path string, e Entry) (err error) {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHistory, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("%w: %w", ErrHistory, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHistory, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("%w: lock %s: %w", ErrHistory, path, err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHistory, err)
	}
	if _, err := parseHistory(path, text); err != nil {
		return err
	}
	if _, err = f.Write(append(line, '\n')); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHistory, err)
	}
	return nil
}

// ReadHistory reads the history, oldest entry first. Errors wrap ErrHistory and
// name file and line; a file that is not there wraps fs.ErrNotExist too.
func ReadHistory(path string) ([]Entry, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w; `metabench gate --record` makes it", ErrHistory, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHistory, err)
	}
	return parseHistory(path, text)
}

// parseHistory reads all lines; name is for the errors.
func parseHistory(name string, text []byte) ([]Entry, error) {
	var all []Entry
	for n := 1; len(text) > 0; n++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		if !whole {
			return nil, fmt.Errorf("%w: %s:%d: the line is cut short; remove it", ErrHistory, name, n)
		}
		var e Entry
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", ErrHistory, name, n, err)
		}
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", ErrHistory, name, n, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// check looks at what the analysis relies on.
func (e Entry) check() error {
	if e.Schema != schemaHistory {
		return fmt.Errorf("schema is %d; accepted: %d", e.Schema, schemaHistory)
	}
	for _, v := range e.Values {
		if metric, _, ok := strings.Cut(v.Gate, "@"); !ok || metric == "" || !(v.Median > 0) || math.IsInf(v.Median, 0) {
			return fmt.Errorf("value %v of gate %q; accepted: a positive value of metric@load", v.Median, v.Gate)
		}
	}
	return nil
}
