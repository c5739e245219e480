// Package metastorebench holds no code, only the repository's rules as tests.
package metastorebench

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "metastorebench"

// goFile is one parsed source file of this module.
type goFile struct {
	dir     string // slash-separated, relative to the root
	path    string
	test    bool
	syntax  *ast.File
	imports []string
}

// sources returns every Go file of the module, generated code excepted.
func sources(t *testing.T) []goFile {
	t.Helper()
	files, err := parseOnce()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

var parseOnce = sync.OnceValues(func() (files []goFile, err error) {
	fset := token.NewFileSet()
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "results") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") {
			return nil
		}
		syntax, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		f := goFile{dir: filepath.ToSlash(filepath.Dir(path)), path: path, test: strings.HasSuffix(path, "_test.go"), syntax: syntax}
		for _, spec := range syntax.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imp)
		}
		files = append(files, f)
		return nil
	})
	return files, err
})

// under reports whether dir is one of roots or below one.
func under(dir string, roots ...string) bool {
	for _, root := range roots {
		if dir == root || strings.HasPrefix(dir, root+"/") {
			return true
		}
	}
	return false
}

// arrow forbids imports. A file under from, unless it is under except, must not
// import anything under to.
type arrow struct {
	why        string
	from       []string
	to         []string
	exceptTo   []string
	exceptFrom []string
}

// arrows are the import directions of DESIGN.md: cmd -> variants, harness;
// variants -> core; analysis reads records only.
var arrows = []arrow{
	{why: "core is below everything", from: []string{"core"}, to: []string{"variants", "harness", "plots", "cmd"}},
	{why: "variants know core only", from: []string{"variants"}, to: []string{"harness", "plots", "cmd"}},
	{why: "the harness sees the store over the wire", from: []string{"harness", "plots"}, to: []string{"core", "variants", "cmd"},
		exceptTo: []string{"core/client", "core/kv", "core/rpcpb", "core/api/lean"}},
	{why: "the lean transport knows no store", from: []string{"core/api/lean"}, to: []string{"core"}, exceptTo: []string{"core/api/lean"}},
	{why: "analysis reads records and runs no trials", from: []string{"harness/stats", "harness/attrib", "harness/report", "harness/claims", "harness/capacity", "harness/usl", "harness/gate", "plots"},
		to: []string{"harness"}, exceptTo: []string{"harness/stats", "harness/attrib", "harness/report", "harness/claims", "harness/infer", "harness/format", "harness/fraction", "harness/capacity", "harness/usl", "harness/gate", "harness/record"}},
	{why: "inference is pure", from: []string{"harness/infer"}, to: []string{"harness", "plots", "core"}, exceptTo: []string{"harness/infer", "harness/format"}},
	{why: "writing numbers is a leaf", from: []string{"harness/format"}, to: []string{"harness", "plots", "core"}, exceptTo: []string{"harness/format"}},
	{why: "revisions are built without knowing what for", from: []string{"harness/revision"}, to: []string{"harness", "plots", "core"}, exceptTo: []string{"harness/revision"}},
	{why: "records are a leaf", from: []string{"harness/record"}, to: []string{"harness", "plots", "core"}, exceptTo: []string{"harness/record"}},
	{why: "designs are a leaf", from: []string{"harness/fraction"}, to: []string{"harness", "plots", "core"}, exceptTo: []string{"harness/fraction"}},
	{why: "membership is a leaf", from: []string{"core/member"}, to: []string{"core"}, exceptTo: []string{"core/member"}},
	{why: "the transport knows no stage", from: []string{"core/transport"}, to: []string{"core"}, exceptTo: []string{"core/transport"}},
	{why: "kv is a leaf", from: []string{"core/kv"}, to: []string{"core"}, exceptTo: []string{"core/kv"}},
	{why: "plants are a leaf", from: []string{"core/plant"}, to: []string{"core"}, exceptTo: []string{"core/plant"}},
	{why: "the stage trace is a leaf", from: []string{"core/trace"}, to: []string{"core"}, exceptTo: []string{"core/trace"}},
	{why: "rpcpb is a leaf", from: []string{"core/rpcpb"}, to: []string{"core"}, exceptTo: []string{"core/rpcpb", "core/recycle"}},
	{why: "recycling is a leaf", from: []string{"core/recycle"}, to: []string{"core"}, exceptTo: []string{"core/recycle"}},
	{why: "stages do not know the composition root", from: []string{"core"}, to: []string{"core/node"}, exceptFrom: []string{"core/node"}},
	{why: "the services do not know the stages", from: []string{"core/api"}, to: []string{"core/raftnode", "core/wal", "core/propose", "core/metrics"}},
}

func TestImportDirections(t *testing.T) {
	used := make([]bool, len(arrows))
	for _, f := range sources(t) {
		for i, a := range arrows {
			if !under(f.dir, a.from...) || under(f.dir, a.exceptFrom...) {
				continue
			}
			used[i] = true
			for _, imp := range f.imports {
				to, ours := strings.CutPrefix(imp, module+"/")
				if ours && under(to, a.to...) && !under(to, a.exceptTo...) {
					t.Errorf("%s imports %s: %s", f.path, imp, a.why)
				}
			}
		}
	}
	for i, u := range used {
		require.True(t, u, "no file is under %v: the rule is out of date", arrows[i].from)
	}
}

func TestOneImporterOfRaft(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.imports {
			if imp == "go.etcd.io/raft/v3" && !under(f.dir, "core/raftnode", "variants/logbench") {
				t.Errorf("%s imports the Raft library; only core/raftnode may, and variants/logbench to compare with it", f.path)
			}
		}
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	has := make(map[string]bool)
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		doc := f.syntax.Doc.Text()
		has[f.dir] = has[f.dir] || strings.HasPrefix(doc, "Package ") || strings.HasPrefix(doc, "Command ")
	}
	for dir, ok := range has {
		require.True(t, ok, "package %s has no package comment", dir)
	}
}

// TestLibrariesDoNotPrintOrExit looks for calls that belong to commands.
func TestLibrariesDoNotPrintOrExit(t *testing.T) {
	forbidden := map[string]bool{
		"fmt.Print": true, "fmt.Printf": true, "fmt.Println": true,
		"log.Fatal": true, "log.Fatalf": true, "log.Print": true, "log.Printf": true, "log.Println": true, "os.Exit": true,
	}
	for _, f := range sources(t) {
		if f.test || under(f.dir, "cmd", "harness/trial/fakestore", "harness/peer") { // programs, for tests and of peers
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && forbidden[pkg.Name+"."+sel.Sel.Name] {
				t.Errorf("%s calls %s.%s", f.path, pkg.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestSerialPackagesStartNothing keeps goroutines out of the packages that `make
// test` runs without the race detector, and out of their tests.
func TestSerialPackagesStartNothing(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	_, list, found := strings.Cut(string(makefile), "\nSERIAL := ")
	require.True(t, found)
	list, _, _ = strings.Cut(list, "\n")
	serial := make(map[string]bool)
	for _, dir := range strings.Fields(list) {
		serial[strings.TrimPrefix(dir, "./")] = false
	}
	for _, f := range sources(t) {
		if _, ok := serial[f.dir]; !ok {
			continue
		}
		serial[f.dir] = true
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if starts(n) {
				t.Errorf("%s starts a goroutine, so its package needs the race detector", f.path)
			}
			return true
		})
	}
	for dir, seen := range serial {
		require.True(t, seen, "%s of the Makefile's SERIAL has no Go files", dir)
	}
}

// starts reports whether a statement or call begins a goroutine: go f(), a group's
// Go, or a parallel test.
func starts(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.CallExpr:
		sel, ok := n.Fun.(*ast.SelectorExpr)
		return ok && (sel.Sel.Name == "Go" || sel.Sel.Name == "Parallel")
	}
	return false
}

// TestTopLevel keeps the tree as DESIGN.md has it.
func TestTopLevel(t *testing.T) {
	known := map[string]bool{
		"cmd": true, "core": true, "variants": true, "harness": true, "plots": true, "results": true,
		"Makefile": true, "go.mod": true, "go.sum": true, "README.md": true, "EXPERIMENTS.md": true, "rules_test.go": true,
		"bin": true, "metastore-data": true, // made by the Makefile and by metastore, ignored by git
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		require.True(t, known[e.Name()] || strings.HasPrefix(e.Name(), "."), "%s is not part of the layout", e.Name())
	}
}
