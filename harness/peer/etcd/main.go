// Command peer-etcd is one member of etcd v3.7, through its embed package: a
// store of somebody else's that trials start, drive and stop as they do ours.
// It is a module of its own, so that etcd's dependencies stay out of the main
// one's; `make peers` builds it as bin/peer-etcd.
//
// It takes those of etcd's flags that trials use, under etcd's names. All
// settings that have no flag here are etcd's defaults: every write is synced
// before it is acknowledged (fsync on), nothing is compacted, and the settings
// that shape a measurement are in the ready line's options. Clients and peers
// are served on loopback only, without TLS. gRPC and HTTP (/metrics, the
// gateway) have ports of their own, as in our store; etcd's default is to tell
// them apart on one port, which costs every read of a connection a detour.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peer-etcd:", err)
		os.Exit(1)
	}
}
