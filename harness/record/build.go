package record

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
)

// self is the file of this program as it runs, whatever has come to lie at its path.
const self = "/proc/self/exe"

// readSelf describes this program, which does not change.
var readSelf = sync.OnceValues(func() (Build, error) { return readBuild(self) })

// OwnBuild describes this program as it was built. The error is that of reading its file.
func OwnBuild() (Build, error) { return readSelf() }

// readBuild describes the executable at path. One that was not made by Go has a hash
// alone.
func readBuild(path string) (Build, error) {
	hash, err := FileHash(path)
	if err != nil {
		return Build{}, fmt.Errorf("describe a build: %w", err)
	}
	b := Build{SHA256: hash}
	if info, err := buildinfo.ReadFile(path); err == nil {
		b.GoVersion = info.GoVersion
		b.Revision, b.Modified = sources(info)
	}
	return b, nil
}

// The stamp of `make build` is a linker's flag, which a program's account of its build
// holds; the variable is not there and need not be. Go's own stamp is missing in a
// worktree, and counts what runs and reports write as changes of the sources.
const (
	stampFlag     = "-X main.sourceRevision="
	stampModified = "-modified"
)

// sources returns the commit of a program's sources and whether they differed from it,
// or an empty commit if nobody knows: asking git now would tell what the sources are,
// not what they were.
func sources(info *debug.BuildInfo) (revision string, modified bool) {
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	for _, s := range info.Settings {
		if _, stamp, ok := strings.Cut(s.Value, stampFlag); ok && s.Key == "-ldflags" {
			stamp, _, _ = strings.Cut(strings.Trim(stamp, `"'`), " ")
			return strings.CutSuffix(stamp, stampModified)
		}
	}
	return revision, modified
}

// FileHash returns the SHA-256 of a file in hexadecimal. It may be called from any
// goroutine; the error is the file's.
func FileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
