// Package suggest is what the programs say of a command line that they do not understand:
// what is wrong, and what was probably meant.
package suggest

import (
	"cmp"
	"errors"
	"fmt"

	"metastorebench/harness/format"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// FlagError says what is wrong with a flag: the error of pflag, in words that name what is
// accepted, or the flag that is near.
func FlagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok && len(e.GetSpecifiedShortnames()) == 0 {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		hint := cmp.Or(format.DidYouMean(e.GetSpecifiedName(), names, "--"), fmt.Sprintf("`%s --help` lists the flags", cmd.CommandPath()))
		err = fmt.Errorf("unknown flag --%s; %s", e.GetSpecifiedName(), hint)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if accepted := valuesOf[e.GetFlag().Value.Type()]; accepted != "" {
			err = fmt.Errorf("--%s is %q; accepted: %s", e.GetFlag().Name, e.GetValue(), accepted)
		}
	}
	if cmd.HasParent() {
		err = fmt.Errorf("%s: %w", cmd.Name(), err)
	}
	return err
}

// UnknownCommand is the error for a first argument that is no command of root.
func UnknownCommand(root *cobra.Command, name string) error {
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	hint := cmp.Or(format.DidYouMean(name, names, ""), fmt.Sprintf("`%s --help` lists the commands", root.Name()))
	return fmt.Errorf("unknown command %q; %s", name, hint)
}

// valuesOf says what flags of a type accept.
var valuesOf = map[string]string{
	"bool": "true, false", "int": "a whole number", "uint64": "a whole number, 0 or more", "float64": "a number",
	"duration": "a duration such as 500ms, 2s or 1m30s",
}
