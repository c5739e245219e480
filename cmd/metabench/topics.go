package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
)

//go:embed topics/*.txt
var topicFiles embed.FS

// topic returns a page's title, its first line, and the rest.
func topic(name string) (title, text string) {
	b, err := topicFiles.ReadFile("topics/" + name + ".txt")
	if err != nil {
		panic(fmt.Sprintf("help topic: %v", err))
	}
	title, text, _ = strings.Cut(string(b), "\n\n")
	return title, strings.TrimSpace(text)
}

// newTopicCommands are pages of help that are no commands: metabench help NAME. The
// page about plans is the help of command plans.
func newTopicCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, name := range []string{"claims", "durability", "reading-a-report"} {
		title, text := topic(name)
		all = append(all, &cobra.Command{Use: name, Short: title, Long: text})
	}
	metrics := &cobra.Command{Use: "metrics", Short: "What can be asked of a run: every metric, with its unit and where it is from"}
	metrics.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		// Help cannot fail; what cannot be written is not read either.
		_ = writeMetrics(cmd.OutOrStdout())
	})
	return append(all, metrics)
}

const metricsHead = `Metrics, by the names that plans, claims, "metabench compare --metric" and the gate's
floors use. Better: which way is for the better. Steady metrics are counts, which do not
depend on how fast the machine is at the moment. Metrics of each operation type (put,
get, range, delete) are marked op.

`

// writeMetrics lists the registry.
func writeMetrics(w io.Writer) error {
	t := format.Table{Columns: format.Words("metric", "unit", "better", "kind", "what", "from"), Width: lineWidth(w)}
	for _, m := range metric.All() {
		kind := "noisy"
		if m.Steady {
			kind = "steady"
		}
		if m.PerOp {
			kind += ", op"
		}
		t.Rows = append(t.Rows, []any{m.Name, m.Unit, string(m.Better), kind, m.Title, m.Source})
	}
	if _, err := io.WriteString(w, metricsHead); err != nil {
		return err
	}
	return t.Write(w, format.Text)
}

// newHelpCommand is cobra's but for a name that is not known, which is an error.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command or a topic",
		Example: `  metabench help run
  metabench help metrics`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return helpNames(cmd.Root()), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				names := helpNames(cmd.Root())
				return misuse(fmt.Errorf("help: unknown topic %q; %s", args[0], cmp.Or(format.DidYouMean(args[0], names, ""), "accepted: "+strings.Join(names, ", "))))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// helpNames are the commands and topics that there is help about, sorted.
func helpNames(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		if c.Name() != "help" && !c.Hidden {
			names = append(names, c.Name())
		}
	}
	slices.Sort(names)
	return names
}
