// Package metastorebench holds no code, only the repository's rules as tests.
package metastorebench

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// numbers are the packages that make numbers out of records.
var numbers = []string{
	"harness/record", "harness/metric", "harness/stats", "harness/infer", "harness/attrib", "harness/fraction", "harness/capacity", "harness/usl", "harness/format",
}

// arrows are the import directions of DESIGN.md: cmd -> variants, harness;
// variants -> core; records -> facts -> views.
var arrows = []arrow{
	{why: "core is below everything", from: []string{"core"}, to: []string{"variants", "harness", "plots", "cmd"}},
	{why: "variants know core only", from: []string{"variants"}, to: []string{"harness", "plots", "cmd"}},
	{why: "the harness sees the store over the wire", from: []string{"harness", "plots"}, to: []string{"core", "variants", "cmd"},
		exceptTo: []string{"core/client", "core/kv", "core/rpcpb", "core/api/lean"}},
	{why: "the lean transport knows no store", from: []string{"core/api/lean"}, to: []string{"core"}, exceptTo: []string{"core/api/lean"}},
	{why: "metrics are read from records", from: []string{"harness/metric"}, to: []string{"harness", "plots"}, exceptTo: []string{"harness/metric", "harness/record"}},
	{why: "numbers are made from records, and know neither plans nor views", from: []string{"harness/stats", "harness/attrib", "harness/capacity", "harness/usl"},
		to: []string{"harness", "plots"}, exceptTo: numbers},
	{why: "facts are numbers that a plan asks for, and run no trials", from: []string{"harness/facts", "harness/gate"}, to: []string{"harness", "plots"},
		exceptTo: append([]string{"harness/facts", "harness/gate", "harness/plan"}, numbers...)},
	{why: "reports are views of facts", from: []string{"harness/report"}, to: []string{"harness"}, exceptTo: append([]string{"harness/report", "harness/facts", "harness/plan"}, numbers...)},
	{why: "queries are answered from records", from: []string{"harness/query"}, to: []string{"harness", "plots"}, exceptTo: append([]string{"harness/query"}, numbers...)},
	{why: "figures know facts alone", from: []string{"plots"}, to: []string{"harness"}, exceptTo: []string{"harness/facts", "harness/format"}},
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
		"LICENSE": true, "CONTRIBUTING.md": true, "CHANGELOG.md": true, "Makefile": true, "go.mod": true, "go.sum": true, "README.md": true, "EXPERIMENTS.md": true, "rules_test.go": true,
		"bin": true, "metastore-data": true, // made by the Makefile and by metastore, ignored by git
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		require.True(t, known[e.Name()] || strings.HasPrefix(e.Name(), "."), "%s is not part of the layout", e.Name())
	}
}

// TestOnlyDepsInstalls: no other target of the Makefile has packages installed, and the
// two commands with which one begins go there.
func TestOnlyDepsInstalls(t *testing.T) {
	text, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	target := ""
	for line := range strings.Lines(string(text)) {
		if m := regexp.MustCompile(`^([a-z0-9-]+) ?[:=]`).FindStringSubmatch(line); m != nil {
			target = m[1]
		}
		if strings.Contains(line, "apt-get") && !strings.HasPrefix(line, "#") {
			require.Contains(t, []string{"deps", "install"}, target, line)
		}
		if strings.Contains(line, "$(call install,") {
			require.Equal(t, "deps", target, line)
		}
	}
	require.Contains(t, string(text), "$(filter phase1 test lint,$(MAKECMDGOALS))")
}

// claimID is the name of a claim of the MetaStore plan, alone.
var claimID = regexp.MustCompile(`^([TBM][1-9]|P[1-3]\.[1-9])$`)

// namesOfData are the fields that hold a name out of a plan: of the plan itself, of a
// group, of a workload, of a claim.
var namesOfData = []string{"Plan", "Group", "Workload", "Claim"}

// TestNothingIsAboutOnePlan keeps plans, claims and groups out of Go: what is asked of a
// run, and how it is judged, is data that a plan brings. No text in code is a claim's
// id, and no name that comes from a plan is compared with a text.
func TestNothingIsAboutOnePlan(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || !under(f.dir, "harness", "plots", "cmd/metabench") || under(f.dir, "harness/stats/statstest") { // makes records of a plan, for tests
			continue
		}
		for _, fault := range aboutOnePlan(f.syntax) {
			t.Errorf("%s: %s", f.path, fault)
		}
	}
}

// aboutOnePlan lists what a file knows of a single plan.
func aboutOnePlan(file *ast.File) (faults []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && claimID.MatchString(text) {
				faults = append(faults, "names claim "+text)
			}
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (named(n.X) && constant(n.Y) || named(n.Y) && constant(n.X)) {
				faults = append(faults, "compares "+types.ExprString(n))
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && named(n.Tag) {
				faults = append(faults, "switches on "+types.ExprString(n.Tag))
			}
		case *ast.IndexExpr:
			if table, ok := n.X.(*ast.Ident); ok && named(n.Index) {
				faults = append(faults, "looks up "+types.ExprString(n.Index)+" in "+table.Name)
			}
		}
		return true
	})
	return faults
}

// named reports whether an expression is a field that holds a name out of a plan.
func named(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && slices.Contains(namesOfData, sel.Sel.Name)
}

// constant reports whether an expression is a text that is not empty.
func constant(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Kind == token.STRING && lit.Value != `""`
}

// TestTheRuleFinds plants what the rule is for.
func TestTheRuleFinds(t *testing.T) {
	const planted = `package p

var kinds = map[string]int{"phase1": 1}

func f(m struct{ Plan, Group string }) int {
	if m.Group == "sync" || m.Plan != "" {
		return kinds[m.Plan]
	}
	switch m.Plan {
	case "peer":
	}
	return len("P1.1")
}
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", planted, 0)
	require.NoError(t, err)
	require.Equal(t, []string{`compares m.Group == "sync"`, "looks up m.Plan in kinds", "switches on m.Plan", "names claim P1.1"}, aboutOnePlan(file))
}
