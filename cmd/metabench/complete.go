package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"metastorebench/harness/plan"
	benchrun "metastorebench/harness/run"
)

// completion is what cobra asks for the candidates of an argument or a flag's value.
type completion = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// flagCompletions are those of flags, by name, in all commands that have them. A flag
// that is in neither list is completed with files.
var flagCompletions = map[string]completion{
	"level": completeLevels, "plan": completePlans, "only": completeOnly, "variant": completeVariant,
	"engine": completeAxis("engine"), "disk": completeAxis("disk"), "slo": completeObjectives,
	"seed": cobra.NoFileCompletions, "external": cobra.NoFileCompletions,
}

// folderFlags are flags whose values are directories.
var folderFlags = []string{"resume", "out", "data-dir", "baseline", "report"}

// addCompletions gives a command's arguments and flags their candidates.
func addCompletions(cmd *cobra.Command) {
	for name, complete := range flagCompletions {
		if cmd.Flags().Lookup(name) != nil {
			// The error says that the flag does not exist, or is completed by its command.
			_ = cmd.RegisterFlagCompletionFunc(name, complete)
		}
	}
	for _, name := range folderFlags {
		if f := cmd.Flags().Lookup(name); f != nil && f.Value.Type() == "string" {
			_ = cmd.MarkFlagDirname(name)
		}
	}
	if cmd.ValidArgsFunction != nil {
		return
	}
	names := strings.Fields(cmd.Use)[1:]
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(names) == 0 || len(args) >= len(names) && !strings.HasSuffix(names[len(names)-1], "...") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		switch strings.Trim(names[min(len(args), len(names)-1)], "[].") {
		case "PLAN":
			return completePlans(cmd, args, begun)
		case "DIR":
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
}

// completePlans offers the built-in plans with their titles, and files of one's own.
func completePlans(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	if strings.ContainsAny(begun, "./") {
		return []string{"yaml"}, cobra.ShellCompDirectiveFilterFileExt
	}
	var all []string
	for _, name := range plan.Names() {
		title := ""
		if p, err := plan.Load(name, nil); err == nil {
			title = p.Title
		}
		all = append(all, cobra.CompletionWithDesc(name, title))
	}
	return all, cobra.ShellCompDirectiveDefault
}

// namedPlan is the plan that a command line names so far; nil if it names none that can
// be read.
func namedPlan(cmd *cobra.Command, args []string) *plan.Plan {
	name := ""
	if f := cmd.Flags().Lookup("plan"); f != nil {
		name = f.Value.String()
	}
	if len(args) > 0 {
		name = args[0]
	}
	p, err := plan.Load(name, nil)
	if err != nil {
		return nil
	}
	return p
}

func completeLevels(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	levels := plan.Levels
	if p := namedPlan(cmd, args); p != nil {
		levels = p.LevelNames()
	}
	return levels, cobra.ShellCompDirectiveNoFileComp
}

// completeOnly offers the keys by which cells of the plan differ, then the values.
func completeOnly(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	values := cellValues(namedPlan(cmd, args), cmd.Flags().Lookup("level").Value.String())
	if key, _, ok := strings.Cut(begun, "="); ok {
		var all []string
		for _, v := range values[key] {
			all = append(all, key+"="+v)
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if len(values[key]) > 1 {
			keys = append(keys, key+"=")
		}
	}
	return keys, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// cellValues are the values that the cells of a plan's level have, by key of --only.
func cellValues(p *plan.Plan, level string) map[string][]string {
	values := make(map[string][]string)
	if p == nil {
		return values
	}
	m, err := p.Expand(level)
	if err != nil {
		return values
	}
	add := func(key, value string) {
		if !slices.Contains(values[key], value) {
			values[key] = append(values[key], value)
		}
	}
	for _, e := range m.Entries {
		add("group", e.Cell.Group)
		add("workload", e.Cell.Workload)
		add("target", e.Cell.Target)
		for axis, value := range e.Cell.Options {
			add(axis, value)
		}
	}
	return values
}

// storeAxes are the axes of the store's binary beside this program, or of --metastore;
// none if it is not there.
func storeAxes(cmd *cobra.Command) plan.Catalog {
	store, _, err := programs(cmd.Flags().Lookup("metastore").Value.String())
	if err != nil {
		return nil
	}
	axes, err := benchrun.ReadVariants(cmd.Context(), store)
	if err != nil {
		return nil // a completion has nobody to tell
	}
	return axes
}

// completeAxis offers the values of an axis, with what they are.
func completeAxis(name string) completion {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return axisValues(storeAxes(cmd), name, ""), cobra.ShellCompDirectiveNoFileComp
	}
}

func axisValues(axes plan.Catalog, name, prefix string) (all []string) {
	for _, a := range axes {
		if a.Name != name {
			continue
		}
		for _, v := range a.Values {
			all = append(all, cobra.CompletionWithDesc(prefix+v.Name, v.Doc))
		}
	}
	return all
}

// completeVariant offers NAME and, after the colon, one axis=value after another.
func completeVariant(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	const open = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if !strings.Contains(begun, ":") {
		return append([]string{benchrun.VariantBaseline}, plan.Names()...), open
	}
	axes := storeAxes(cmd)
	done := begun[:strings.LastIndexAny(begun, ":,")+1]
	if axis, _, ok := strings.Cut(begun[len(done):], "="); ok {
		return axisValues(axes, axis, done+axis+"="), open
	}
	var all []string
	for _, a := range axes {
		all = append(all, cobra.CompletionWithDesc(done+a.Name+"=", a.Seam))
	}
	return all, open
}

func completeObjectives(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"p50=", "p90=", "p99=", "p99.9="}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
