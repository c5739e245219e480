package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// WriteManifest writes a run's manifest, replacing one that is there in a
// single step: a crash leaves the old one or the new one. It sets the version.
func WriteManifest(dir string, m Manifest) error {
	m.Schema, m.Minor = Schema, Minor
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	return replaceFile(filepath.Join(dir, ManifestFile), func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// Log appends trials to a run's records. One goroutine owns it.
type Log struct {
	f *os.File
}

// OpenLog opens the records of the run in dir for appending, creating them if
// there are none, and returns the trials that are there, as ReadTrials does. A last line that is
// cut short, which an interrupted append leaves, is removed; any other damage is
// an error. A packed run is refused: it is finished. The file stays locked
// (flock) until Close, so that two processes cannot extend one run.
func OpenLog(dir string) (*Log, []Trial, error) {
	if _, err := os.Stat(filepath.Join(dir, PackedFile)); err == nil {
		return nil, nil, fmt.Errorf("append to records: %s holds a packed run", dir)
	}
	path := filepath.Join(dir, RecordsFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("append to records: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("append to records: %s is in use by another run: %w", path, err), f.Close())
	}
	trials, end, err := scanTrials(path, f)
	if err == nil {
		trials, err = latest(trials)
	}
	if err == nil && end.torn {
		err = f.Truncate(end.bytes)
	}
	if err == nil {
		_, err = f.Seek(end.bytes, io.SeekStart)
	}
	if err == nil {
		err = syncDir(dir) // the file's name must survive as its lines do
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("append to records: %w", err), f.Close())
	}
	return &Log{f: f}, trials, nil
}

// Append writes t as one line and syncs it. It sets the schema version. After
// an error the log may end in a torn line: stop, and resume later.
func (l *Log) Append(t Trial) error {
	t.Schema, t.Minor = Schema, Minor
	if err := t.validate(); err != nil {
		return fmt.Errorf("append trial: %w", err)
	}
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("append trial of cell %s: %w", t.Cell, err)
	}
	if _, err := l.f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("append trial of cell %s: %w", t.Cell, err)
	}
	if err := l.f.Sync(); err != nil {
		return fmt.Errorf("append trial of cell %s: %w", t.Cell, err)
	}
	return nil
}

// Close closes the file. Every appended trial is already durable.
func (l *Log) Close() error { return l.f.Close() }

// Pack compresses a run's records to records.jsonl.gz and removes the plain
// file, the form in which reference runs are kept. The records are read
// strictly first: a damaged run is not packed. The same records give the same
// bytes.
func Pack(dir string) error {
	plain := filepath.Join(dir, RecordsFile)
	b, err := os.ReadFile(plain)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, PackedFile)); err == nil {
			return fmt.Errorf("pack: %s is packed already", dir)
		}
	}
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if _, err := ReadManifest(dir); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if _, err := readTrials(plain, bytes.NewReader(b)); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	err = replaceFile(filepath.Join(dir, PackedFile), func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(b); err != nil {
			return err
		}
		return z.Close()
	})
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if err := os.Remove(plain); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return nil
}

// replaceFile writes path through a temporary file beside it and renames it
// into place once it is durable.
func replaceFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
