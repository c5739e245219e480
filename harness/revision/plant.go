package revision

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Plant is a fault to build into the store.
type Plant struct {
	Name  string // as in the name of its arm
	Doc   string
	edits []edit
}

// edit replaces lines of a file, which must be there exactly once.
type edit struct {
	file      string // slash-separated, from the top of the tree
	old, next string
}

// Names of the plants that take no size.
const (
	plantDelay      = "delay"
	plantAllocation = "allocation"
	plantWALBytes   = "wal-bytes"
	plantLostBatch  = "lost-batch"
)

// DefaultDelay is what plant "delay" adds to a put: on a machine that is
// saturated at 25,000 puts a second, about a fifth of the throughput.
const DefaultDelay = 20 * time.Microsecond

// PlantNamed returns the fault of this name: delay, delay-DURATION (such as
// delay-10us), allocation, wal-bytes, lost-batch. Any other is ErrPlant.
func PlantNamed(name string) (Plant, error) {
	switch name {
	case plantDelay:
		return delay(name, DefaultDelay), nil
	case plantAllocation:
		return allocation(), nil
	case plantWALBytes:
		return walBytes(), nil
	case plantLostBatch:
		return lostBatch(), nil
	}
	if text, sized := strings.CutPrefix(name, plantDelay+"-"); sized {
		if d, err := time.ParseDuration(text); err == nil && d > 0 {
			return delay(name, d), nil
		}
	}
	return Plant{}, fmt.Errorf("%w %q: accepted: %s, %s-DURATION such as %s-10us, %s, %s, %s",
		ErrPlant, name, plantDelay, plantDelay, plantDelay, plantAllocation, plantWALBytes, plantLostBatch)
}

// delay spins in every single put, delete and transaction before it is proposed.
// It takes CPU time, as slower code does: a sleep would cost nothing where the
// machine is saturated.
func delay(name string, d time.Duration) Plant {
	const call = "\tres, err := s.store.Propose(ctx, cmd)\n"
	return Plant{Name: name, Doc: fmt.Sprintf("%v of CPU time in every put", d), edits: []edit{{
		file: "core/api/service.go", old: call,
		next: fmt.Sprintf("\tfor planted := time.Now(); time.Since(planted) < %d; {\n\t}\n", d.Nanoseconds()) + call,
	}}}
}

// allocation makes every command of an entry cost one allocation more.
func allocation() Plant {
	const (
		file = "core/codec/codec.go"
		doc  = "// AppendEntry appends a whole entry: header and payload.\n"
		tag  = "\tdst = append(dst, c.Tag())\n"
	)
	return Plant{Name: plantAllocation, Doc: "one allocation of 32 bytes more for every command", edits: []edit{
		{file, "\t\"errors\"\n\t\"fmt\"\n", "\t\"errors\"\n\t\"fmt\"\n\t\"sync/atomic\"\n"},
		{file, doc, "var planted atomic.Pointer[[32]byte]\n\n" + doc},
		{file, tag, "\tfor range encoded {\n\t\tplanted.Store(new([32]byte))\n\t}\n" + tag},
	}}
}

// walBytes makes every frame of the log one unit of alignment longer than it needs
// to be, which readers of the same build agree with: with the load put1 that is 24
// of about 360 bytes. Fewer bytes would often vanish in the padding.
func walBytes() Plant {
	const padded = "\treturn (headerBytes + n + frameAlign - 1) / frameAlign * frameAlign\n"
	const longer = "\treturn (headerBytes+n+frameAlign-1)/frameAlign*frameAlign + frameAlign\n"
	return Plant{Name: plantWALBytes, Doc: "24 bytes more in every frame of the log", edits: []edit{{"core/wal/frame.go", padded, longer}}}
}

// lostBatch proposes the commands of a batch in two entries, one after the other.
func lostBatch() Plant {
	const call = "\t\tdone, err = b.svc.store.ProposeBatch(ctx, cmds)\n"
	const halves = `		half := (len(cmds) + 1) / 2
		done, err = b.svc.store.ProposeBatch(ctx, cmds[:half])
		if err == nil && half < len(cmds) {
			var rest []kv.Result
			rest, err = b.svc.store.ProposeBatch(ctx, cmds[half:])
			done = append(done, rest...)
		}
`
	return Plant{Name: plantLostBatch, Doc: "batches are proposed in two halves", edits: []edit{{"core/api/batch_call.go", call, halves}}}
}

// planted returns the files that the faults change, by name, as they are to be.
func planted(tree string, plants []Plant) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, p := range plants {
		for _, e := range p.edits {
			text, read := files[e.file]
			if !read {
				var err error
				text, err = os.ReadFile(filepath.Join(tree, filepath.FromSlash(e.file)))
				if errors.Is(err, fs.ErrNotExist) {
					return nil, fmt.Errorf("%w %s: the revision has no %s", ErrPlant, p.Name, e.file)
				}
				if err != nil {
					return nil, fmt.Errorf("%w %s: %w", ErrPlant, p.Name, err)
				}
			}
			if n := bytes.Count(text, []byte(e.old)); n != 1 {
				return nil, fmt.Errorf("%w %s: %s has these lines %d times, want once:\n%s", ErrPlant, p.Name, e.file, n, e.old)
			}
			files[e.file] = bytes.Replace(text, []byte(e.old), []byte(e.next), 1)
		}
	}
	return files, nil
}
