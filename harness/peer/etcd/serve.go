package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/etcd/server/v3/storage/backend"

	"metastorebench/harness/ready"
	"metastorebench/harness/record"
)

// startTimeout bounds how long the member may take to be part of a cluster that
// has a leader.
const startTimeout = 25 * time.Second

// Errors of a member that does not serve, wrapped with etcd's own.
var (
	// ErrStart says that etcd did not come up.
	ErrStart = errors.New("etcd did not start")
	// ErrStopped says that etcd stopped by itself.
	ErrStopped = errors.New("etcd stopped")
)

// run is the whole program: it serves until ctx ends (a clean stop, nil), etcd
// fails, or the arguments are wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	member, err := embed.StartEtcd(cfg)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	defer member.Close()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	select {
	case <-member.Server.ReadyNotify():
	case <-late.C:
		return fmt.Errorf("%w: no leader within %v", ErrStart, startTimeout)
	case err := <-member.Err():
		return fmt.Errorf("%w: %w", ErrStart, err)
	case <-ctx.Done():
		return nil
	}
	if err := readyLine(cfg).Write(stdout); err != nil {
		return fmt.Errorf("write the ready line: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-member.Server.StopNotify():
		return ErrStopped
	case err := <-member.Err():
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
}

// readyLine says where the member serves, and with which settings.
func readyLine(cfg *embed.Config) ready.Line {
	return ready.Line{
		Client: cfg.ListenClientUrls[0].Host, HTTP: cfg.ListenClientHttpUrls[0].Host, Peer: cfg.ListenPeerUrls[0].Host,
		PID: os.Getpid(), Durability: durability(cfg), Options: options(cfg),
	}
}

// durability is what an acknowledgement of etcd means: committed and applied,
// with the log synced unless that is switched off.
func durability(cfg *embed.Config) string {
	if cfg.UnsafeNoFsync {
		return record.TierUnsafe
	}
	return record.TierSynced
}

// options are the effective settings, under the names of etcd's flags; where
// etcd's configuration has a zero for "default", the default.
func options(cfg *embed.Config) map[string]string {
	backendDefaults := backend.DefaultBackendConfig(cfg.GetLogger())
	interval, limit, quota := cfg.BackendBatchInterval, cfg.BackendBatchLimit, cfg.QuotaBackendBytes
	if interval == 0 {
		interval = backendDefaults.BatchInterval
	}
	if limit == 0 {
		limit = backendDefaults.BatchLimit
	}
	if quota == 0 {
		quota = storage.DefaultQuotaBytes
	}
	return map[string]string{
		"version":                   version.Version,
		"members":                   strconv.Itoa(1 + strings.Count(cfg.InitialCluster, ",")),
		"unsafe-no-fsync":           strconv.FormatBool(cfg.UnsafeNoFsync),
		"snapshot-count":            strconv.FormatUint(cfg.SnapshotCount, 10),
		"snapshot-catchup-entries":  strconv.FormatUint(cfg.SnapshotCatchUpEntries, 10),
		"backend-batch-interval":    interval.String(),
		"backend-batch-limit":       strconv.Itoa(limit),
		"quota-backend-bytes":       strconv.FormatInt(quota, 10),
		"auto-compaction-retention": cfg.AutoCompactionRetention,
		"heartbeat-interval":        strconv.FormatUint(uint64(cfg.TickMs), 10),
		"election-timeout":          strconv.FormatUint(uint64(cfg.ElectionMs), 10),
		"max-txn-ops":               strconv.FormatUint(uint64(cfg.MaxTxnOps), 10),
		"max-request-bytes":         strconv.FormatUint(uint64(cfg.MaxRequestBytes), 10),
	}
}
