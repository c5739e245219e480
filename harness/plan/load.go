package plan

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
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

// Load reads a built-in plan by its name, or any other from a file.
func Load(nameOrPath string, catalog Catalog) (*Plan, error) {
	text, err := builtin.ReadFile("plans/" + nameOrPath + ".yaml")
	if err == nil {
		return Parse(nameOrPath+".yaml", text, catalog)
	}
	text, err = os.ReadFile(nameOrPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w %q: built in are %s; a plan of your own is given as a path of a YAML file",
			ErrUnknownPlan, nameOrPath, strings.Join(Names(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	return Parse(nameOrPath, text, catalog)
}
