package variants_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmeExample builds the index that the README adds, registers it as the README
// says, and runs its suite, without a change of the tree.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	replace := map[string]string{}
	overlay := func(name, text string) {
		file := filepath.Join(t.TempDir(), filepath.Base(name))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		replace[filepath.Join(root, name)] = file
	}
	blocks := regexp.MustCompile("(?s)<!-- example: (\\S+) -->\n```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.Len(t, blocks, 2)
	for _, b := range blocks {
		overlay(b[1], b[2])
	}
	registry, err := os.ReadFile("variants.go")
	require.NoError(t, err)
	text := string(registry)
	for _, add := range [][2]string{
		{`"metastorebench/variants/index/sharded"`, `"metastorebench/variants/index/sorted"`},
		{`"hash": hash.New,`, ` "sorted": sorted.New,`},
		{`{Name: "sharded",`, `{Name: "sorted", Doc: "a sorted slice"},` + "\n\t\t\t"},
	} {
		require.Equal(t, 1, strings.Count(text, add[0]), add[0])
		at := strings.Index(text, add[0])
		if strings.HasPrefix(add[0], "{") { // before the value that is there
			text = text[:at] + add[1] + text[at:]
			continue
		}
		at += len(add[0])
		text = text[:at] + "\n\t" + add[1] + text[at:]
	}
	overlay("variants/variants.go", text)
	list, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(file, list, 0o600))
	suite := filepath.Join(t.TempDir(), "sorted.test")
	for _, args := range [][]string{
		{"go", "test", "-c", "-vet=off", "-overlay", file, "-o", suite, "./variants/index/sorted"},
		{suite, "-test.v"},
		{"go", "build", "-tags=norocksdb", "-overlay", file, "./variants"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		if args[0] == suite {
			require.Contains(t, string(out), "--- PASS: TestIndex")
		}
	}
}
