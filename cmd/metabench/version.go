package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

// version is what `metabench version --format json` prints.
type version struct {
	// Build is this program: the commit of its sources, "" if nobody knows, whether they
	// had changes that were not committed, Go's version, and the SHA-256 of the file.
	record.Build
	Platform string `json:"platform"` // OS/architecture
	// Records and Results are the versions of the schemas that this program writes.
	Records string `json:"records_schema"`
	Results string `json:"results_schema"`
}

func newVersionCommand() *cobra.Command {
	var asked string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say what this program was built from, and which files it reads",
		Example: `  metabench version
  metabench version --format json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			build, err := record.OwnBuild()
			if err != nil {
				return err
			}
			v := version{
				Build: build, Platform: runtime.GOOS + "/" + runtime.GOARCH,
				Records: fmt.Sprintf("%d.%d", record.Schema, record.Minor), Results: facts.Schema,
			}
			return v.write(cmd.OutOrStdout(), asked)
		},
	}
	formatFlag(cmd, &asked, []string{format.Text, format.JSON})
	return cmd
}

func (v version) write(w io.Writer, asked string) error {
	if asked == format.JSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	state := ""
	if v.Modified {
		state = ", with changes that were not committed"
	}
	_, err := fmt.Fprintf(w, "metabench of commit %s%s\nbuilt by %s for %s, SHA-256 %.12s\nrecords: schema %s\nresults.json: schema %s\n",
		cmp.Or(v.Revision, "unknown"), state, v.GoVersion, v.Platform, v.SHA256, v.Records, v.Results)
	return err
}
