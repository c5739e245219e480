package run

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"metastorebench/harness/plan"
)

// variantsTimeout bounds how long the store may take to list its axes.
const variantsTimeout = 10 * time.Second

// ReadVariants asks the store's binary for its axes. An error wraps ErrNoStore.
func ReadVariants(ctx context.Context, binary string) (plan.Catalog, error) {
	ctx, cancel := context.WithTimeout(ctx, variantsTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "variants", "--json").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%w: %s variants --json: %w: %s", ErrNoStore, binary, err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s variants --json: %w", ErrNoStore, binary, err)
	}
	catalog, err := plan.ReadCatalog(bytes.NewReader(out))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoStore, binary, err)
	}
	return catalog, nil
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
