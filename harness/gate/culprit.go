package gate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"metastorebench/harness/record"
)

// rooms are the directories in which a quantity is made, by the name of its metric.
// What every package has a part in (allocations, CPU time) is not there.
var rooms = map[string][]string{
	"proposals_per_write": {"core/api", "core/propose", "variants/propose", "core/raftnode"},
	"entries_per_ready":   {"core/raftnode", "core/propose", "variants/propose", "variants/pipeline"},
	"fsyncs_per_write":    {"core/wal", "variants/wal", "core/raftnode"},
	"wal_bytes_per_write": {"core/wal", "variants/wal", "core/codec", "variants/codec"},
	lostCounter:           {"core/metrics", "core/node", "core/wal", "core/raftnode"},
	"stage_decode":        {"core/api", "core/rpcpb", "variants/rpc"},
	"stage_encode":        {"core/codec", "variants/codec", "core/propose"},
	"stage_queue":         {"core/propose", "variants/propose", "core/raftnode"},
	"stage_append":        {"core/wal", "variants/wal", "core/raftnode"},
	"stage_commit":        {"core/raftnode", "core/transport", "variants/pipeline"},
	"stage_apply":         {"core/apply", "variants/apply", "core/engine", "variants/engine", "variants/index", "core/codec", "core/kv"},
	"stage_reply":         {"core/api", "core/apply", "variants/rpc"},
}

// Culprit is where a loss seems to be made. It narrows a search; it is no proof.
type Culprit struct {
	// What moved there, and Rooms, the directories that make it. Both are empty if
	// nothing points at a part of the store.
	What  string
	Rooms []string
	// Changes between base and head that touch the rooms; if none does, or there are
	// no rooms, those that touch the store at all. Newest first.
	Changes []record.Change
	// Elsewhere says that Changes are not in the rooms.
	Elsewhere bool
}

// lostCounter is the room of what is missing.
const lostCounter = "lost counter"

// culprit names the first of what moved that somebody changed: the gate's own count,
// then the stages that gained time, then other counts. Nil without a change.
func culprit(g Gate, hints []Hint, changes []record.Change) *Culprit {
	return locate(suspects(g, hints), changes)
}

// locate names the first suspect that somebody changed.
func locate(all []Culprit, changes []record.Change) *Culprit {
	var store []record.Change
	for _, c := range changes {
		if c.Files = slices.DeleteFunc(slices.Clone(c.Files), notOfStore); len(c.Files) > 0 {
			store = append(store, c)
		}
	}
	if len(store) == 0 {
		return nil
	}
	for _, c := range all {
		for _, change := range store {
			if slices.ContainsFunc(change.Files, c.holds) {
				c.Changes = append(c.Changes, change)
			}
		}
		if len(c.Changes) > 0 {
			return &c
		}
	}
	first := Culprit{}
	if len(all) > 0 {
		first = all[0]
	}
	first.Changes, first.Elsewhere = store, true
	return &first
}

// suspects are the quantities that moved and have rooms, the most telling first.
func suspects(g Gate, hints []Hint) (all []Culprit) {
	if of := rooms[g.Metric.Name]; of != nil {
		all = append(all, Culprit{What: g.Metric.Name, Rooms: of})
	}
	for _, stage := range []bool{true, false} {
		for _, h := range hints {
			of := rooms[h.Metric.Name]
			if h.Stage() != stage || of == nil || stage && h.New <= h.Old {
				continue
			}
			all = append(all, Culprit{What: h.what(), Rooms: of})
		}
	}
	return all
}

// holds reports whether a file lies in one of the rooms.
func (c Culprit) holds(file string) bool {
	return slices.ContainsFunc(c.Rooms, func(room string) bool { return strings.HasPrefix(file, room+"/") })
}

// notOfStore reports whether a file cannot change what the store does: the harness
// is head's on both sides.
func notOfStore(file string) bool {
	if file == "go.mod" {
		return false
	}
	of := strings.HasPrefix(file, "core/") || strings.HasPrefix(file, "variants/") || strings.HasPrefix(file, "cmd/metastore/")
	return !of || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go")
}

// maxChanges bounds the changes that a culprit's text lists.
const maxChanges = 5

// Lines are the culprit in words, one item a line.
func (c *Culprit) Lines() []string {
	head := "changed between base and head"
	if len(c.Rooms) > 0 {
		made := fmt.Sprintf("%s is made in %s", c.What, strings.Join(c.Rooms, ", "))
		head = made + ", where these changed"
		if c.Elsewhere {
			head = made + ", where nothing changed; elsewhere in the store"
		}
	}
	lines := []string{head + ":"}
	for i, change := range c.Changes {
		if i == maxChanges {
			lines = append(lines, fmt.Sprintf("and %d older", len(c.Changes)-i))
			break
		}
		name := "not committed"
		if change.Commit != "" {
			name = fmt.Sprintf("`%.12s` (%s)", change.Commit, change.Subject)
		}
		files := slices.Clone(change.Files)
		if !c.Elsewhere {
			files = slices.DeleteFunc(files, func(f string) bool { return !c.holds(f) })
		}
		const most = 3
		if n := len(files) - most; n > 0 {
			files = append(files[:most], fmt.Sprintf("%d more", n))
		}
		lines = append(lines, name+": "+strings.Join(files, ", "))
	}
	return lines
}
