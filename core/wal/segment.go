package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A segment begins with a sector of its own, the preamble, of which no format
// version may change the first 32 bytes:
//
//	0               8        12       16              24       28       32
//	+---------------+--------+--------+---------------+--------+--------+
//	| "MSBWAL\r\n"  | format | zero   | sequence      | zero   | crc    |
//	+---------------+--------+--------+---------------+--------+--------+
//
// The CRC covers the 28 bytes before it; the rest of the sector is zero. Sectors
// of frames follow (sector.go); the first frame holds a segment record, the hard
// state and the snapshot mark.
//
// Format 1 had no sectors and no recycled files.
const (
	preambleBytes    = 32
	firstFrameOffset = sectorBytes + stampBytes
	segmentMagic     = "MSBWAL\r\n"
	formatVersion    = 2
	tempSuffix       = ".tmp"
	segmentSuffix    = ".wal"
)

// segment describes one file of the log.
type segment struct {
	// seq counts segments from 1 without gaps.
	seq uint64
	// first is the index that the next entry was due to have when the segment
	// was begun. A conflict may still put smaller ones into it.
	first uint64
	// max is the highest index in the segment, 0 without entries, whether or not
	// a later record discarded it.
	max uint64
	// end is the offset after the last frame, once the segment is sealed.
	end int64
}

func (s segment) name() string {
	return fmt.Sprintf("%016x-%016x%s", s.seq, s.first, segmentSuffix)
}

// parseName reads a segment's file name; other files are not the log's.
func parseName(name string) (s segment, ok bool) {
	base, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return segment{}, false
	}
	if _, err := fmt.Sscanf(base, "%016x-%016x", &s.seq, &s.first); err != nil {
		return segment{}, false
	}
	return s, s.name() == name
}

// listSegments returns the directory's segments in order, and the leftovers of
// segments whose creation a crash interrupted.
func listSegments(fs vfs.FS, dir string) (segs []segment, temps []string, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		if s, ok := parseName(name); ok {
			segs = append(segs, s)
		} else if base, ok := strings.CutSuffix(name, tempSuffix); ok {
			if _, ok := parseName(base); ok {
				temps = append(temps, name)
			}
		}
	}
	for i := 1; i < len(segs); i++ {
		if got, want := segs[i].seq, segs[i-1].seq+1; got != want {
			return nil, nil, fmt.Errorf("%w: after segment %s comes %s, want sequence number %#x",
				ErrCorrupt, segs[i-1].name(), segs[i].name(), want)
		}
	}
	return segs, temps, nil
}

// createSegment makes the segment's file, durable under its final name before
// it returns, so that a file with a segment's name always has a whole first
// frame. It overwrites the front of spare, a file of the directory that is no
// segment any more, or makes a new file if spare is "". Whatever a spare file
// holds was written for segments before this one. createSegment returns the file,
// its size, and where the next frame goes.
func createSegment(fs vfs.FS, dir, spare string, s segment, rec segmentRecord, st *state) (f vfs.File, size, next int64, err error) {
	frame := appendSegment(make([]byte, headerBytes), rec)
	frame = appendHard(frame, st.hs)
	frame = appendMark(frame, markRecord{SnapshotMark: st.snap})
	next = advance(firstFrameOffset, frameBytes(len(frame)-headerBytes))
	frame = sealFrame(frame, s.seq, firstFrameOffset, 0)
	content := scatter(encodePreamble(s.seq), frame, s.seq, firstFrameOffset)

	path := fs.PathJoin(dir, s.name())
	temp := path + tempSuffix
	if spare == "" {
		err = writeSynced(fs, temp, content)
	} else {
		temp = fs.PathJoin(dir, spare)
		err = overwriteSynced(fs, temp, content)
	}
	if err != nil {
		return nil, 0, 0, err
	}
	if err := fs.Rename(temp, path); err != nil {
		return nil, 0, 0, err
	}
	if err := syncDir(fs, dir); err != nil {
		return nil, 0, 0, err
	}
	if f, err = fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified); err != nil {
		return nil, 0, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), next, nil
}

// encodePreamble returns the first sector.
func encodePreamble(seq uint64) []byte {
	b := make([]byte, sectorBytes)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	binary.LittleEndian.PutUint64(b[16:], seq)
	binary.LittleEndian.PutUint32(b[28:], crc32.Checksum(b[:28], castagnoli))
	return b
}

// checkPreamble says whether data is segment seq in a format that we read.
func checkPreamble(data []byte, seq uint64) error {
	if len(data) < sectorBytes {
		return fmt.Errorf("%w: file has %d bytes, want at least the %d of a preamble", ErrCorrupt, len(data), sectorBytes)
	}
	b := data[:preambleBytes]
	if string(b[:8]) != segmentMagic {
		return fmt.Errorf("%w: file begins with %q, want %q", ErrCorrupt, b[:8], segmentMagic)
	}
	if got, want := crc32.Checksum(b[:28], castagnoli), binary.LittleEndian.Uint32(b[28:]); got != want {
		return fmt.Errorf("%w: preamble crc %#x, want %#x", ErrCorrupt, got, want)
	}
	if got := binary.LittleEndian.Uint32(b[8:]); got != formatVersion {
		return fmt.Errorf("%w: %d, this program reads %d", ErrFormat, got, formatVersion)
	}
	if got := binary.LittleEndian.Uint64(b[16:]); got != seq {
		return fmt.Errorf("%w: preamble says segment %#x, the file name %#x", ErrCorrupt, got, seq)
	}
	if !allZero(data[preambleBytes:sectorBytes]) {
		return fmt.Errorf("%w: the sector of the preamble holds something else, want zeros", ErrCorrupt)
	}
	return nil
}

// overwriteSynced writes content over the front of a file and syncs it.
func overwriteSynced(fs vfs.FS, path string, content []byte) error {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := writeFullAt(f, content, 0); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// writeSynced makes a file with the given content and syncs it.
func writeSynced(fs vfs.FS, path string, content []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// syncDir makes the directory's entries durable.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// mkdirSynced makes dir and its missing parents and makes their names durable.
// The parent of an existing dir is synced too: a crash may have come between.
func mkdirSynced(fs vfs.FS, dir string) error {
	parent := fs.PathDir(dir)
	if parent == dir {
		return nil
	}
	if _, err := fs.Stat(dir); oserror.IsNotExist(err) {
		if err := mkdirSynced(fs, parent); err != nil {
			return err
		}
		if err := fs.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return syncDir(fs, parent)
}
