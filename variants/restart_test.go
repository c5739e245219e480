package variants_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants"
)

// TestFirstReadAfterPowerLoss reads as soon as a node is back: what had been
// acknowledged must be there although the log does not say that it was committed,
// and although the disk takes its time over the new leader's first entry.
func TestFirstReadAfterPowerLoss(t *testing.T) {
	for _, c := range [][3]string{
		{"perentry", "readindex", "off"}, {"perready", "readindex", "off"}, {"group", "readindex", "off"},
		{"perready", "lease", "off"}, {"group", "lease", "off"}, {"perready", "serializable", "off"}, {"group", "serializable", "off"},
		{"perentry", "readindex", "on"}, {"perready", "lease", "on"},
	} {
		t.Run(strings.Join(c[:], "/"), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			s := with(t, variants.VariantBest, "wal", c[0], "read", c[1], "pipeline", c[2], "disk", "plan")
			for round := range 5 {
				key := fmt.Appendf(nil, "%d", round)
				n := start(t, options(t, fs, "data", s))
				_, err := n.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: key}})
				require.NoError(t, err)
				fs = fs.CrashClone(vfs.CrashCloneCfg{})
				require.NoError(t, n.Stop()) // on the old disk, which nobody reads again

				n = start(t, options(t, fs, "data", s))
				require.NoError(t, n.Read(t.Context(), false, func(r engine.Reader) error {
					pair, err := r.Get(key)
					require.NotNil(t, pair, "an acknowledged put is not read")
					return err
				}))
				require.NoError(t, n.Stop())
			}
		})
	}
}
