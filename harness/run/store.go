package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
