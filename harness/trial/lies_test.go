package trial

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/trial/fakestore"
	"metastorebench/harness/workload"
)

// lies is the table of package check's comment, in its order.
var lies = []struct {
	name      string // in the comment
	lie       string // of the fake store
	failed    string // the check that is meant for it
	says      string
	typ, api  string
	keys      int
	preloaded bool
}{
	{"stale read", fakestore.LieStale, "answers", "stale: mod_revision", workload.TypeLargeScale, workload.APIGRPC, 10, false},
	{"lost update", fakestore.LieUpdate, check.Linearizability, "no order of its", workload.TypePut, workload.APIGRPC, 600, false},
	{"double apply", fakestore.LieTwice, "revisions", "revisions used", workload.TypePut, workload.APIGRPC, 600, false},
	{"torn batch", fakestore.LieTear, "end-state", "not in the store; the model has write", workload.TypePut, workload.APIBatch, 100_000, false},
	{"divided batch", fakestore.LieDivide, "answers", "a batch is out of order or divided", workload.TypePut, workload.APIBatch, 600, false},
	{"dropped delete", fakestore.LieDelete, "end-state", "the model write {0 0} of revision", workload.TypeMixed, workload.APIGRPC, 5000, true},
	{"wrong count", fakestore.LieCount, "answers", "a range is said to hold 3 pairs, but 4 are there", workload.TypePut, workload.APIGRPC, 600, false},
	{"reordered stream", fakestore.LieReorder, "answers", "a get was answered with key", workload.TypeLargeScale, workload.APIStream, 600, false},
	{"acknowledged, not applied", fakestore.LieUnapplied, "applied", "writes applied by the store", workload.TypePut, workload.APIGRPC, 600, false},
	{"answer of another key", fakestore.LieOther, "answers", "a get was answered with key", workload.TypeLargeScale, workload.APIGRPC, 600, false},
	{"revision that goes back", fakestore.LieBack, "answers", "an answer has revision 1, but", workload.TypeLargeScale, workload.APIGRPC, 600, false},
	{"key forgotten", fakestore.LieForget, "answers", "not found, but the put of revision", workload.TypeLargeScale, workload.APIGRPC, 600, false},
	{"bit flipped", fakestore.LieCorrupt, "answers", workload.ErrValue.Error(), workload.TypeLargeScale, workload.APIGRPC, 600, false},
}

// Each lie must void the trial by the check that is meant for it, whatever else
// notices, and the same trial of an honest store must pass them all.
func TestLies(t *testing.T) {
	for _, l := range lies {
		for _, fault := range []string{l.lie, fakestore.FaultNone} {
			t.Run(strings.ReplaceAll(l.name, " ", "-")+"/"+fault, func(t *testing.T) {
				s := spec(t, l.typ, fault)
				setAPI(&s, l.api)
				if s.Workload.Keys, s.Workload.PreloadKeys = l.keys, 0; l.preloaded {
					s.Workload.PreloadKeys = l.keys
					s.Workload.Mix = map[string]float64{record.OpDelete: 1}
				}
				got, err := Run(t.Context(), s)
				require.NoError(t, err)
				if fault == fakestore.FaultNone {
					require.Empty(t, got.Void)
					require.Equal(t, allChecks, checks(got))
					return
				}
				t.Logf("%-26s %-13s %.150s", l.name, l.failed, got.Void)
				require.Contains(t, got.Void, "check "+l.failed+" failed")
				require.Contains(t, got.Void, l.says)
				require.False(t, checks(got)[l.failed])
			})
		}
	}
}

// The comment of package check has the same table.
func TestLiesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../check/doc.go")
	require.NoError(t, err)
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		if row := strings.Split(strings.TrimSpace(line), " | "); len(row) == 3 && !strings.Contains(row[2], "check") {
			rows = append(rows, []string{strings.TrimSpace(strings.TrimPrefix(row[0], "//")), strings.TrimSpace(row[2])})
		}
	}
	var want [][]string
	for _, l := range lies {
		want = append(want, []string{l.name, l.failed})
	}
	require.Equal(t, want, rows)
}
