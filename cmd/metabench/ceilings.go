package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/variants/rpc"
)

const ceilingsLong = `Measure what this machine can do at best: gRPC calls, batches and streams
against a server that does nothing, the sync latency and bandwidth of the data
directory, TCP over the loopback interface, and the store's codecs.

Every run measures the same before its first trial and keeps it in its manifest.
Without the store's binary the codecs are left out.`

const ceilingsExamples = `  metabench ceilings
  metabench ceilings --data-dir /mnt/nvme
  metabench ceilings --level smoke --json`

// ceilingsFlags are the flags of the ceilings command as they were given.
type ceilingsFlags struct {
	dataDir, level, metastore string
	asJSON                    bool
}

func newCeilingsCommand() *cobra.Command {
	f := &ceilingsFlags{}
	cmd := &cobra.Command{
		Use:     "ceilings",
		Short:   "Measure what this machine can do at best",
		Long:    ceilingsLong,
		Example: ceilingsExamples,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.survey(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), s)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.dataDir, "data-dir", ".", "existing directory whose device is measured")
	fl.StringVar(&f.level, "level", ceiling.LevelDefault, "effort: smoke (about 2 s), default or full (about 10 s)")
	fl.StringVar(&f.metastore, "metastore", "", "the store's binary (default: metastore beside this program)")
	fl.BoolVar(&f.asJSON, "json", false, "as JSON, with the keys of a run's manifest")
	return cmd
}

// surveyed is what was measured, where and by what: part of a run's manifest.
type surveyed struct {
	Env      record.Environment `json:"environment"`
	Ceilings *record.Ceilings   `json:"ceilings"`
}

func (f *ceilingsFlags) survey(ctx context.Context) (*surveyed, error) {
	effort, err := ceiling.EffortOf(f.level)
	if err != nil {
		return nil, fmt.Errorf("--level: %w", err)
	}
	store, self, err := programs(f.metastore)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(store); errors.Is(err, fs.ErrNotExist) {
		if f.metastore != "" {
			return nil, fmt.Errorf("--metastore: %w", err)
		}
		store = ""
	}
	s := &surveyed{}
	if s.Env, err = record.CaptureEnvironment(store, f.dataDir); err != nil {
		return nil, err
	}
	s.Ceilings, err = ceiling.Survey(ctx, ceiling.Options{
		DataDir: f.dataDir, Noop: []string{self, "noop-server"}, Metastore: store,
		RPC: rpc.Tuned, DialOptions: dialOptions, Effort: effort,
	})
	if err != nil {
		return nil, err
	}
	ceiling.SetSyncLatency(&s.Env, s.Ceilings)
	return s, nil
}

func (f *ceilingsFlags) print(w io.Writer, s *surveyed) error {
	if f.asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	h := s.Env.Harness
	state := ""
	if h.Modified {
		state = ", with changes that are not committed"
	}
	if _, err := fmt.Fprintf(w, "metabench of commit %s%s (%s, SHA-256 %.12s) on %d x %s, %s\n", cmp.Or(h.Revision, "unknown"), state, h.GoVersion, h.SHA256,
		s.Env.CPUs, s.Env.CPUModel, s.Env.Filesystem); err != nil {
		return err
	}
	return report.Ceilings(s.Ceilings).Write(w, format.Text)
}
