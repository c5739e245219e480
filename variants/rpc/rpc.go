// Package rpc holds the axis --rpc: what carries client calls, and how it is set up on
// both sides.
//
//	default  grpc-go's own settings, untouched
//	tuned    the plan's item P1.4, and what else helps without a cost in safety
//	lean     core/api/lean for unary calls, grpc-go behind it for the rest (L1, ours)
//
// A profile changes how bytes travel, never what they say: a client of either
// profile works with a server of either.
package rpc

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// Names of the axis's values; the first is the baseline.
const (
	Default = "default"
	Tuned   = "tuned"
	Lean    = "lean"
)

// ErrUnknown says that there is no value of that name on the axis.
var ErrUnknown = errors.New("rpc: unknown profile")

// Profile is one value of the axis.
type Profile struct {
	// Name is the value's name on the axis.
	Name string
	// Summary is one line for people.
	Summary string
	// Server and Client are the options of the two sides. The caller must not
	// change them.
	Server []grpc.ServerOption
	Client []grpc.DialOption
	// Lean says that the server is core/api/lean's.
	Lean bool
}

// Profiles returns all values, the baseline first.
func Profiles() []Profile {
	return []Profile{
		{Name: Default, Summary: "grpc-go's own defaults"},
		{
			Name:    Tuned,
			Summary: "10,000 streams, 1 MiB stream and 16 MiB connection windows, keepalive, larger buffers",
			Server:  tunedServer(),
			Client:  tunedClient(),
		},
		{
			Name:    Lean,
			Summary: "unary calls without grpc-go and without a goroutine each, the rest as tuned; plain HTTP on the same port",
			Server:  tunedServer(),
			Client:  tunedClient(),
			Lean:    true,
		},
	}
}

// Lookup returns the profile of that name, or an error that wraps ErrUnknown and
// lists the accepted names.
func Lookup(name string) (Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("%w %q, accepted: %s", ErrUnknown, name, strings.Join(names, ", "))
}

// Settings of the tuned profile. The first four are the plan's (P1.4).
const (
	// maxConcurrentStreams bounds the open requests of one connection. gRPC's
	// default is no bound at all, so that this protects and does not speed up.
	maxConcurrentStreams = 10_000
	// Fixed windows, for gRPC's 64 KiB that grow with the measured
	// bandwidth-delay product. Setting them ends that measuring, and with it a
	// ping for most bursts of data.
	streamWindowBytes = 1 << 20
	connWindowBytes   = 16 << 20
	// Idle connections are probed so that a dead peer is noticed. minPing is
	// what a server tolerates; it must not exceed a client's pingEvery.
	pingEvery   = 30 * time.Second
	pingTimeout = 10 * time.Second
	minPing     = 5 * time.Second // etcd's --grpc-keepalive-min-time

	// bufferBytes is what is gathered for one write system call, and read by
	// one; gRPC's default is 32 KiB. Under many concurrent small requests the
	// number of system calls per request falls.
	bufferBytes = 128 << 10
	// streamWorkers keep their grown stacks from request to request instead of
	// growing a new goroutine's each time. A request that finds none free gets
	// a goroutine of its own, so that blocked workers hold up nobody.
	streamWorkers = 128
)

func tunedServer() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxConcurrentStreams(maxConcurrentStreams),
		grpc.InitialWindowSize(streamWindowBytes),
		grpc.InitialConnWindowSize(connWindowBytes),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.ReadBufferSize(bufferBytes),
		grpc.WriteBufferSize(bufferBytes),
		grpc.NumStreamWorkers(streamWorkers),
	}
}

func tunedClient() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithInitialWindowSize(streamWindowBytes),
		grpc.WithInitialConnWindowSize(connWindowBytes),
		// Only while requests are open: a server with gRPC's defaults closes
		// connections that are pinged when idle.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingTimeout}),
		grpc.WithReadBufferSize(bufferBytes),
		grpc.WithWriteBufferSize(bufferBytes),
	}
}
