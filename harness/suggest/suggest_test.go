package suggest

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestFlagError(t *testing.T) {
	root := &cobra.Command{Use: "tool"}
	cmd := &cobra.Command{Use: "run", RunE: func(*cobra.Command, []string) error { return nil }, SilenceUsage: true, SilenceErrors: true}
	cmd.Flags().Int("blocks", 1, "")
	cmd.Flags().StringP("out", "o", "", "")
	root.AddCommand(cmd)
	root.SetFlagErrorFunc(FlagError)
	for arg, want := range map[string]string{
		"--block":      "run: unknown flag --block; did you mean --blocks?",
		"--speed":      "run: unknown flag --speed; `tool run --help` lists the flags",
		"--blocks=few": `run: --blocks is "few"; accepted: a whole number`,
		"-x":           "run: unknown shorthand flag: 'x' in -x",
		"--out":        "run: flag needs an argument: --out",
	} {
		root.SetArgs([]string{"run", arg})
		require.EqualError(t, root.Execute(), want)
	}
}

func TestUnknownCommand(t *testing.T) {
	root := &cobra.Command{Use: "tool"}
	root.AddCommand(&cobra.Command{Use: "variants"}, &cobra.Command{Use: "trend"})
	require.EqualError(t, UnknownCommand(root, "variant"), `unknown command "variant"; did you mean variants?`)
	require.EqualError(t, UnknownCommand(root, "fly"), "unknown command \"fly\"; `tool --help` lists the commands")
}
