package logbench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/metrics"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// store is this repository's store without its services: a node of one member.
type store struct {
	node    *node.Node
	metrics http.Handler
}

// metastore opens the store with the best selection, but for some axes.
func metastore(but variants.Selection) opener {
	return func(dir string, _ int) (system, error) {
		selection, err := variants.Named(variants.VariantBest)
		if err != nil {
			return nil, err
		}
		maps.Copy(selection, but)
		return openStore(dir, selection)
	}
}

func openStore(dir string, selection variants.Selection) (system, error) {
	m := metrics.New(selection["engine"])
	o := node.Options{
		DataDir: dir, FS: vfs.Default, Name: "n", ClusterToken: "t",
		Members: map[string]string{"n": "http://127.0.0.1:2380"},
		Metrics: m,
	}
	if err := selection.Apply(&o, 1); err != nil {
		return nil, err
	}
	n, err := node.Start(context.Background(), o)
	if err != nil {
		return nil, err
	}
	return &store{node: n, metrics: m.Handler()}, nil
}

func (s *store) put(command []byte) error {
	result, err := s.node.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: command[:keyBytes:keyBytes], Value: command[keyBytes:]}})
	return errors.Join(err, result.Err)
}

func (s *store) get(key []byte) (value []byte, err error) {
	err = s.node.Read(context.Background(), true, func(r engine.Reader) error {
		pair, err := r.Get(key)
		if pair != nil {
			value = pair.Value
		}
		return err
	})
	return value, err
}

// applied is one less than the store's revision, which begins at 1. The read is
// linearizable, so that all of the log has been applied.
func (s *store) applied() (puts int64, err error) {
	err = s.node.Read(context.Background(), false, func(r engine.Reader) error {
		puts = r.State().Revision - 1
		return nil
	})
	return puts, err
}

// syncs reads the store's own counter.
func (s *store) syncs() (int64, error) {
	const counter = "\nmetastore_wal_fsyncs_total "
	page := httptest.NewRecorder()
	s.metrics.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/", nil))
	_, rest, ok := strings.Cut(page.Body.String(), counter)
	if !ok {
		return 0, fmt.Errorf("the store's metrics have no %q", strings.TrimSpace(counter))
	}
	value, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseFloat(value, 64)
	return int64(n), err
}

func (s *store) close() error { return s.node.Stop() }
