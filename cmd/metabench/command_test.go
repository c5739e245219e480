package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	benchrun "metastorebench/harness/run"
)

// runCommands are the commands whose runs are made again from their manifests.
var runCommands = map[string]func() *cobra.Command{"run": newRunCommand, "capacity": newCapacityCommand}

// otherValues are two values of a flag's type that are no defaults.
func otherValues(t *testing.T, f *pflag.Flag) []string {
	values, known := map[string][]string{
		"bool": {"true"}, "string": {"--x y"}, "uint64": {"70"}, "int": {"70"}, "float64": {"70.5"}, "duration": {"70s"}, "stringArray": {"a=b,c", "--d e"},
	}[f.Value.Type()]
	require.True(t, known, "--%s is of type %s: give it a value here", f.Name, f.Value.Type())
	return values
}

// values are a command's flags.
func values(cmd *cobra.Command) map[string]string {
	all := make(map[string]string)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(placeFlags, f.Name) {
			all[f.Name] = f.Value.String()
		}
	})
	return all
}

// again parses a command line of a run.
func again(t *testing.T, fresh *cobra.Command, argv []string) *cobra.Command {
	require.Equal(t, []string{"metabench", fresh.Name()}, argv[:2])
	require.NoError(t, fresh.ParseFlags(argv[2:]))
	return fresh
}

// TestCommandLineMakesTheRunAgain walks every flag there is: what was parsed comes back,
// each flag alone and all together. A flag that shall not come back must be among
// placeFlags.
func TestCommandLineMakesTheRunAgain(t *testing.T) {
	for name, make := range runCommands {
		all := make()
		all.Flags().VisitAll(func(f *pflag.Flag) {
			one := make()
			for _, v := range otherValues(t, f) {
				require.NoError(t, one.Flags().Set(f.Name, v))
				require.NoError(t, all.Flags().Set(f.Name, v))
			}
			argv := commandLine(one, []string{"plan.yaml"})
			got := again(t, make(), argv)
			require.Equal(t, []string{"plan.yaml"}, got.Flags().Args())
			require.Equal(t, values(one), values(got), "%s --%s", name, f.Name)
			if slices.Contains(placeFlags, f.Name) {
				require.NotContains(t, argv, "--"+f.Name)
				return
			}
			require.NotEqual(t, values(make())[f.Name], values(got)[f.Name], "--%s was given its default", f.Name)
		})
		require.Equal(t, values(all), values(again(t, make(), commandLine(all, nil))), name)
		stated := commandLine(make(), nil)
		require.Subset(t, stated, []string{"--seed", "1"}, "defaults may change")
	}
}

func TestCommandLine(t *testing.T) {
	cmd := newRunCommand()
	require.NoError(t, cmd.ParseFlags([]string{"phase1", "--external", "host:2379", "--data-dir", "data", "--out", "out", "--only", "a=b", "--reference", "--only", "c"}))
	require.Equal(t, []string{
		"metabench", "run", "phase1", "--data-dir", "data", "--external", "host:2379",
		"--only", "a=b", "--only", "c", "--reference=true", "--seed", "1",
	}, commandLine(cmd, cmd.Flags().Args()))
	require.Equal(t, "smoke", levelOf("phase1", "smoke"))
	require.Equal(t, "default", levelOf("phase1", ""), "what the command states")
	require.Empty(t, levelOf("no-such-plan", ""))
}

// TestResumeRecallsTheFlags with which a run was begun; what is given now goes before.
func TestResumeRecallsTheFlags(t *testing.T) {
	dir := t.TempDir()
	begun := newRunCommand()
	require.NoError(t, begun.ParseFlags([]string{"--external", "host:2379", "--data-dir", "data", "--only", "a=b", "--only", "c", "--level", "smoke", "--reference"}))
	m := record.Manifest{Plan: "p", Blocks: 1, Command: commandLine(begun, []string{"p"})}
	require.NoError(t, record.WriteManifest(dir, m))
	cmd := newRunCommand()
	require.NoError(t, cmd.ParseFlags([]string{"--resume", dir, "--data-dir", "other"}))
	require.NoError(t, recall(cmd, newRunCommand(), dir))
	want := values(begun)
	want["data-dir"] = "other"
	require.Equal(t, want, values(cmd))

	require.NoError(t, recall(cmd, newRunCommand(), ""), "there is nothing to recall")
	err := recall(newCapacityCommand(), newCapacityCommand(), dir)
	require.ErrorIs(t, err, benchrun.ErrResume)
	require.ErrorContains(t, err, "accepted: a run of metabench capacity")
	m.Command = append(m.Command, "--no-such-flag")
	require.NoError(t, record.WriteManifest(dir, m))
	err = recall(newRunCommand(), newRunCommand(), dir)
	require.ErrorIs(t, err, benchrun.ErrResume)
	require.ErrorContains(t, err, "--no-such-flag")
	require.ErrorIs(t, recall(cmd, newRunCommand(), filepath.Join(dir, "none")), os.ErrNotExist)
}
