package report

import (
	"fmt"
	"strings"
)

// localSuffix is what the name of a section about a run on the reader's machine
// ends in.
const localSuffix = "-local"

// places are the document's sections with their headings, in its order. Those of
// the reader's own runs follow in the same order, behind all of these.
var places = []struct{ section, heading string }{
	{"phase1", "Phase 1"},
	{"phase2", "Phase 2"},
	{"phase3", "Phase 3"},
	{"ladder", "The ladder: baseline, phase 1, phase 2, phase 3"},
	{"ledger", "The claims, one by one"},
	{"pipelining", "Pipelining by cluster, link and batch"},
	{"batch", "Batches by size"},
	{"sweep-clients", "Throughput against clients, phase by phase"},
	{"sweep-values", "Cost against the size of a value"},
	{"sweep-keys", "Cost against the number of keys"},
	{"large", "Tuned engines on a large data set"},
	{"indexes", "Indexes under reads and writes"},
	{"reads", "Ways to confirm a read"},
	{"peer", "Against etcd v3.7"},
	{"stages", "Where the time of a write goes"},
	{"capacity", "Capacity at an objective"},
	{"scaling", "Throughput against clients"},
	{"aa", "How often nothing is called something"},
	{"check-cost", "What checking costs"},
	{"stall", "What a closed loop does not see"},
	{SectionGate, "What the regression gate can tell"},
	{"bench", "Benchmarks in process"},
}

// placeOfSection is where a section stands in the document's order and under which
// heading; false for a name that has no place.
func placeOfSection(name string) (rank int, heading string, ok bool) {
	base, local := strings.CutSuffix(name, localSuffix)
	for i, p := range places {
		switch {
		case p.section != base:
		case local:
			return len(places) + i, p.heading + " on your machine", true
		default:
			return i, p.heading, true
		}
	}
	return 0, "", false
}

// withSection returns doc with heading and markers for a section that it lacks:
// behind the last one that comes before it in the order of places. A document that
// has the section, or none to put it behind, is returned as it is. Errors:
// ErrMarkers.
func withSection(doc, section string) (string, error) {
	spans, err := scan(doc)
	if err != nil {
		return "", err
	}
	rank, heading, known := placeOfSection(section)
	if _, there := spans[section]; there || !known {
		return doc, nil
	}
	behind, best := -1, -1
	for name, s := range spans {
		if r, _, ok := placeOfSection(name); ok && r < rank && r > best {
			behind, best = s.to, r
		}
	}
	if best < 0 {
		return doc, nil
	}
	end := len(doc)
	if i := strings.IndexByte(doc[behind:], '\n'); i >= 0 {
		end = behind + i + 1
	}
	before := doc[:end]
	if !strings.HasSuffix(before, "\n") {
		before += "\n"
	}
	return before + fmt.Sprintf("\n## %s\n\n%s\n%s\n", heading, beginPrefix+section+markSuffix, endPrefix+section+markSuffix) + doc[end:], nil
}
