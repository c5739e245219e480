package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKillAsync kills a store with --wal=async under load. It may lose acknowledged
// writes, but it starts again every time, whatever its engine had written to disk
// before the log; and once it has been stopped, a safe value of --wal finds all of
// its last life.
func TestKillAsync(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		flags := []string{"--engine", engine, "--snapshot-count", "50"}
		async := append(flags, "--wal", "async")
		for round := range 3 {
			p := startProcess(t, dir, async...)
			killUnderLoad(t, p, p.client(t), round)
		}
		p := startProcess(t, dir, async...)
		c, acked := p.client(t), make(map[string]int64)
		for i := range 100 {
			key := fmt.Sprint("last ", i)
			res, err := c.Put(t.Context(), key, "v")
			require.NoError(t, err)
			acked[key] = res.Header.Revision
		}
		require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
		require.NoError(t, p.cmd.Wait(), "%s", p.stderr)
		requireAcked(t, startProcess(t, dir, append(flags, "--wal", "perready")...).client(t), acked)
	})
}
