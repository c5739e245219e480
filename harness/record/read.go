package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of a run's directory.
const (
	ManifestFile = "manifest.json"
	RecordsFile  = "records.jsonl"
	PackedFile   = "records.jsonl.gz"
)

// Run is everything that a run left behind: what the analysis side reads.
type Run struct {
	Dir      string
	Manifest Manifest
	// Trials are in the order in which they ended, void ones included; of a trial that
	// was made again, the last one.
	Trials []Trial
}

// Newer says that a file of the run is of a newer minor version, so that fields of it
// may be missing here; empty otherwise.
func (r Run) Newer() string {
	minor := r.Manifest.Minor
	for i := range r.Trials {
		minor = max(minor, r.Trials[i].Minor)
	}
	if minor <= Minor {
		return ""
	}
	return fmt.Sprintf("%s was written with schema %d.%d; this program knows %d.%d, and leaves out fields that it does not know", r.Dir, Schema, minor, Schema, Minor)
}

// ReadRun reads the manifest and the records of a run's directory. It is
// strict: another schema version is ErrSchema, anything that cannot be read in
// full ErrDamaged or ErrTorn, each naming file and line. Fields of a newer minor
// version are left out; see Run.Newer.
func ReadRun(dir string) (Run, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return Run{}, err
	}
	trials, err := ReadTrials(dir)
	if err != nil {
		return Run{}, err
	}
	return Run{Dir: dir, Manifest: m, Trials: trials}, nil
}

// ReadManifest reads a run's manifest, as strictly as ReadRun.
func ReadManifest(dir string) (Manifest, error) {
	path := filepath.Join(dir, ManifestFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	var m Manifest
	if err := decodeStrict(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	if m.Plan == "" || m.Blocks <= 0 {
		return Manifest{}, fmt.Errorf("%s: %w: plan %q with %d blocks", path, ErrDamaged, m.Plan, m.Blocks)
	}
	return m, nil
}

// ReadTrials reads all trials of a run, from records.jsonl or, for a packed
// run, records.jsonl.gz. Finding both is an error: one of them is stale. A run
// that has not recorded anything yet has no trials.
func ReadTrials(dir string) ([]Trial, error) {
	plain, packed := filepath.Join(dir, RecordsFile), filepath.Join(dir, PackedFile)
	f, err := os.Open(plain)
	if err == nil {
		defer f.Close()
		if _, err := os.Stat(packed); err == nil {
			return nil, fmt.Errorf("%w: both %s and %s exist; pack the run again or delete the stale one", ErrDamaged, plain, packed)
		}
		return readTrials(plain, f)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read records: %w", err)
	}
	z, err := os.Open(packed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	defer z.Close()
	r, err := gzip.NewReader(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", packed, ErrDamaged, err)
	}
	return readTrials(packed, r)
}

// readTrials reads one trial per line; name is for the errors.
func readTrials(name string, r io.Reader) ([]Trial, error) {
	trials, end, err := scanTrials(name, r)
	if err == nil && end.torn {
		return nil, fmt.Errorf("%s:%d: %w: %d bytes without an end of line; `metabench run --resume` drops them",
			name, end.lines+1, ErrTorn, end.tornBytes)
	}
	if err != nil {
		return nil, err
	}
	trials, err = latest(trials)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return trials, nil
}

// latest drops the trials that were made again.
func latest(trials []Trial) ([]Trial, error) {
	type key struct {
		cell  string
		block int
	}
	last := make(map[key]int, len(trials))
	for i, t := range trials {
		k := key{t.Cell, t.Block}
		if before, twice := last[k]; twice && !trials[before].Retry {
			return nil, fmt.Errorf("%w: lines %d and %d are both of cell %s, block %d", ErrDamaged, before+1, i+1, t.Cell, t.Block)
		}
		last[k] = i
	}
	kept := make([]Trial, 0, len(last))
	for i, t := range trials {
		if last[key{t.Cell, t.Block}] == i {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

// scanEnd says how a records file ends.
type scanEnd struct {
	lines     int   // complete lines
	bytes     int64 // in those lines
	torn      bool  // something follows that has no end of line
	tornBytes int
}

// scanTrials reads the complete lines and reports what follows them.
func scanTrials(name string, r io.Reader) ([]Trial, scanEnd, error) {
	var (
		trials []Trial
		end    scanEnd
	)
	br := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := br.ReadBytes('\n')
		if err == io.EOF {
			end.torn, end.tornBytes = len(line) > 0, len(line)
			return trials, end, nil
		}
		if err != nil {
			return nil, end, fmt.Errorf("%s:%d: %w: %w", name, end.lines+1, ErrDamaged, err)
		}
		t, err := DecodeTrial(line)
		if err != nil {
			return nil, end, fmt.Errorf("%s:%d: %w", name, end.lines+1, err)
		}
		trials = append(trials, t)
		end.lines++
		end.bytes += int64(len(line))
	}
}

// DecodeTrial reads one line of the records. Histograms are not decoded here:
// see DecodeHDR.
func DecodeTrial(line []byte) (Trial, error) {
	var t Trial
	if err := decodeStrict(line, &t); err != nil {
		return Trial{}, err
	}
	if err := t.validate(); err != nil {
		return Trial{}, err
	}
	return t, nil
}

// validate checks what every reader relies on.
func (t *Trial) validate() error {
	switch {
	case t.Cell == "":
		return fmt.Errorf("%w: the trial names no cell", ErrDamaged)
	case t.Block < 0 || t.Order < 0:
		return fmt.Errorf("%w: cell %s: block %d, order %d", ErrDamaged, t.Cell, t.Block, t.Order)
	case t.Void != "":
		return nil // its numbers must not be used, so they need not be sound
	case t.MeasureNS <= 0:
		return fmt.Errorf("%w: cell %s: measured window of %d ns", ErrDamaged, t.Cell, t.MeasureNS)
	case !slices.Contains(tiers, t.Durability):
		return fmt.Errorf("%w: cell %s: durability %q, want one of %s", ErrDamaged, t.Cell, t.Durability, strings.Join(tiers, ", "))
	}
	for _, o := range t.Ops {
		if o.Op == "" || o.Count < 0 || o.OutOfRange < 0 {
			return fmt.Errorf("%w: cell %s: operation %q with count %d, out of range %d", ErrDamaged, t.Cell, o.Op, o.Count, o.OutOfRange)
		}
	}
	return nil
}

// decodeStrict decodes one JSON document that begins with a schema version. The
// version is looked at first, so that another version's unknown fields are
// reported as what they are, and a newer minor version's are left out.
func decodeStrict(b []byte, into any) error {
	var version struct {
		Schema *int `json:"schema"`
		Minor  int  `json:"minor"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch {
	case version.Schema == nil:
		return fmt.Errorf("%w: no schema version", ErrDamaged)
	case *version.Schema > Schema:
		return fmt.Errorf("%w: the file has version %d, this program reads version %d; read it with the program that wrote it, or a newer one", ErrSchema, *version.Schema, Schema)
	case *version.Schema < Schema:
		return fmt.Errorf("%w: the file has version %d, this program reads version %d; read it with the program that wrote it", ErrSchema, *version.Schema, Schema)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if version.Minor <= Minor {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
