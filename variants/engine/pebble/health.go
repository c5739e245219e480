package pebble

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"
)

// health keeps the first failure that Pebble reports in the background, and is
// its Logger. Pebble's default logger exits the process on a fatal message;
// this one notes it.
type health struct {
	log   *zap.SugaredLogger
	once  sync.Once
	cause error
	// failed is closed once cause is set.
	failed chan struct{}
}

var _ pebble.Logger = (*health)(nil)

func newHealth(log *zap.Logger) *health {
	return &health{log: log.Sugar(), failed: make(chan struct{})}
}

// listener returns the events that concern health. It takes no lock of Pebble,
// which reports some of them with its own held.
func (h *health) listener() pebble.EventListener {
	return pebble.EventListener{
		BackgroundError: func(err error) {
			h.log.Errorf("pebble: background error: %v", err)
			h.fail(fmt.Errorf("pebble: background error: %w", err))
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			h.log.Errorf("pebble: %s", info)
			h.fail(fmt.Errorf("pebble: data corruption in %s: %w", info.Path, info.Details))
		},
	}
}

func (h *health) fail(cause error) {
	h.once.Do(func() {
		h.cause = cause
		close(h.failed)
	})
}

// err returns the first failure, or nil.
func (h *health) err() error {
	select {
	case <-h.failed:
		return h.cause
	default:
		return nil
	}
}

// Infof implements pebble.Logger.
func (h *health) Infof(format string, args ...any) { h.log.Debugf("pebble: "+format, args...) }

// Errorf implements pebble.Logger.
func (h *health) Errorf(format string, args ...any) { h.log.Errorf("pebble: "+format, args...) }

// Fatalf implements pebble.Logger. It returns, where Pebble's own exits.
func (h *health) Fatalf(format string, args ...any) {
	err := fmt.Errorf("pebble: fatal: "+format, args...)
	h.log.Error(err)
	h.fail(err)
}
