package plan

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"metastorebench/harness/format"
)

//go:embed plans/*.yaml
var builtin embed.FS

// Names returns the built-in plans.
func Names() []string {
	files, err := fs.Glob(builtin, "plans/*.yaml")
	if err != nil {
		panic(fmt.Sprintf("plan: constant pattern: %v", err))
	}
	return mapSlice(files, func(f string) string { return strings.TrimSuffix(path.Base(f), ".yaml") })
}

// Load reads a built-in plan by its name, or any other from a file. Errors:
// ErrUnknownPlan for a name that is neither, and ErrNoFile for one that ends in .yaml or
// .yml or has a slash, which is that of a file, if there is none.
func Load(nameOrPath string, catalog Catalog) (*Plan, error) {
	text, err := builtin.ReadFile("plans/" + nameOrPath + ".yaml")
	if err == nil {
		return Parse(nameOrPath+".yaml", text, catalog)
	}
	text, err = os.ReadFile(nameOrPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unknown(nameOrPath)
	}
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	return Parse(nameOrPath, text, catalog)
}

// unknown is the error for a plan that is not there.
func unknown(nameOrPath string) error {
	names := Names()
	if isPath(nameOrPath) {
		hint := format.DidYouMean(strings.TrimSuffix(nameOrPath, path.Ext(nameOrPath)), names, "the built-in ")
		return fmt.Errorf("%w: %s", ErrNoFile, strings.TrimSuffix(nameOrPath+"; "+hint, "; "))
	}
	hint := strings.TrimSpace(format.DidYouMean(nameOrPath, names, "") + " built in are " + strings.Join(names, ", "))
	return fmt.Errorf("%w %q; %s; a plan of your own is given as a path of a YAML file", ErrUnknownPlan, nameOrPath, hint)
}

// isPath reports whether a name is meant as that of a file, and not of what is built in.
func isPath(name string) bool {
	return strings.ContainsAny(name, `/\`) || slices.Contains([]string{".yaml", ".yml"}, path.Ext(name))
}
