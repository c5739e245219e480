package workload

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"metastorebench/core/rpcpb"
	"metastorebench/harness/record"
)

// Types of workload: what the clients do.
const (
	// TypePut is puts only, by every client, over the whole key space.
	TypePut = "put"
	// TypeLargeScale has each client alternate a put and a get of the same key,
	// chosen from its own Keys/Clients keys.
	TypeLargeScale = "large-scale"
	// TypeMixed gives each operation type clients of its own, in the proportions
	// of Mix; {get: 1} only reads, {range: 1} only ranges. A range reads RangeKeys
	// keys from a random one on, or all keys under one prefix: then its cost grows
	// while the prefix fills, up to PrefixKeys pairs. Count per type, never in sum.
	TypeMixed = "mixed"
	// TypeBlend has every client draw the type of each call by Mix, as YCSB does:
	// one client is enough, and a slow type takes its share of everybody's time,
	// so that the types' counts keep to Mix whatever each costs.
	TypeBlend = "blend"
)

// Names of key distributions.
const (
	Uniform = "uniform"
	Zipfian = "zipfian"
)

// Ways to reach the store.
const (
	APIGRPC = "grpc"
	APIHTTP = "http" // the JSON gateway, /v3/kv/*
	// APIBatch puts the next BatchOps operations of a client, all of one type,
	// into one call of the store's own service. Ranges go one by one.
	APIBatch = "batch"
	// APIStream sends the operations of all clients on one stream of the store's
	// own service for each connection, many in a message: as many are in flight as
	// there are clients.
	APIStream = "stream"
)

// ErrInvalid is wrapped by every violation that Validate reports.
var ErrInvalid = errors.New("workload")

// maxValueBytes is etcd's default bound on a request, which the store shares.
const maxValueBytes = 1 << 20

// maxBatchBytes is what the store accepts as one request by default, etcd's
// --max-request-bytes.
const maxBatchBytes = 3 << 19

// maxAnswerBytes bounds the keys and values that one range is answered with.
const maxAnswerBytes = 16 << 20

// Types returns the accepted workload types.
func Types() []string { return []string{TypePut, TypeLargeScale, TypeMixed, TypeBlend} }

// Distributions returns the accepted key distributions.
func Distributions() []string { return []string{Uniform, Zipfian} }

// APIs returns the accepted ways to reach the store.
func APIs() []string { return []string{APIGRPC, APIHTTP, APIBatch, APIStream} }

// Clients returns what may make the calls.
func Clients() []string { return []string{record.ClientGRPC, record.ClientLean} }

// Loops returns the accepted loops.
func Loops() []string { return []string{record.LoopClosed, record.LoopOpen} }

// ArrivalNames returns the accepted arrivals of an open loop.
func ArrivalNames() []string { return []string{record.ArrivalsConstant, record.ArrivalsPoisson} }

// DefaultMix returns a fresh copy of the mix that a workload type has unless a
// plan says otherwise; nil for an unknown type.
func DefaultMix(typ string) map[string]float64 {
	switch typ {
	case TypePut:
		return map[string]float64{record.OpPut: 1}
	case TypeLargeScale, TypeBlend:
		return map[string]float64{record.OpPut: 0.5, record.OpGet: 0.5}
	case TypeMixed:
		return map[string]float64{record.OpPut: 0.4, record.OpGet: 0.4, record.OpRange: 0.1, record.OpDelete: 0.1}
	}
	return nil
}

// Validate returns every violation in w, nil if there is none. Each names the
// field, its value and what is accepted, and wraps ErrInvalid.
func Validate(w record.Workload) []error {
	v := violations{name: w.Name}
	v.oneOf("type", w.Type, Types())
	v.oneOf("api", w.API, APIs())
	v.oneOf("loop", w.Loop, Loops())
	v.client(w)
	v.pace(w)
	v.batch(w)
	v.operations(w)
	v.atLeast("clients", w.Clients, 1)
	v.atLeast("conns", w.Conns, 1)
	if w.Clients >= 1 && w.Conns > w.Clients {
		v.add("conns is %d, more than the %d clients that would use them", w.Conns, w.Clients)
	}
	v.keySpace(w)
	if w.ValueBytes < MinValueBytes || w.ValueBytes > maxValueBytes {
		v.add("value_bytes is %d; accepted: %d to %d (a value carries a %d-byte header and at least 8 bytes of checked filler)",
			w.ValueBytes, MinValueBytes, maxValueBytes, headerBytes)
	}
	v.oneOf("distribution", w.Distribution, Distributions())
	switch {
	case w.Distribution == Zipfian && !(w.ZipfTheta > 0 && w.ZipfTheta < 1):
		v.add("zipf_theta is %v; accepted: above 0 and below 1 (YCSB uses 0.99)", w.ZipfTheta)
	case w.Distribution == Uniform && w.ZipfTheta != 0:
		v.add("zipf_theta is %v, but the distribution is uniform", w.ZipfTheta)
	}
	v.span(w)
	v.mix(w)
	return v.errs
}

type violations struct {
	name string
	errs []error
}

func (v *violations) add(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf("%w %q: %s", ErrInvalid, v.name, fmt.Sprintf(format, args...)))
}

func (v *violations) oneOf(field, got string, accepted []string) {
	if !slices.Contains(accepted, got) {
		v.add("%s is %q; accepted: %s", field, got, strings.Join(accepted, ", "))
	}
}

func (v *violations) atLeast(field string, got, low int) {
	if got < low {
		v.add("%s is %d; accepted: %d or more", field, got, low)
	}
}

// pace checks what only an open loop has.
func (v *violations) pace(w record.Workload) {
	if w.Loop == record.LoopOpen {
		v.oneOf("arrivals", w.Arrivals, ArrivalNames())
		if rate := w.OfferedOpsPerSecond; !(rate > 0 && rate <= MaxRate) {
			v.add("rate is %v; accepted: above 0 and up to %d operations a second", rate, MaxRate)
		}
		return
	}
	if w.Arrivals != "" {
		v.add("arrivals is %q, but only an open loop has arrivals", w.Arrivals)
	}
	if w.OfferedOpsPerSecond != 0 {
		v.add("rate is %v, but only an open loop has a rate: clients of a closed one send when they are answered", w.OfferedOpsPerSecond)
	}
}

// client checks what makes the calls.
func (v *violations) client(w record.Workload) {
	if w.Client == "" {
		return
	}
	v.oneOf("client", w.Client, Clients())
	if w.Client == record.ClientLean && w.API != APIGRPC {
		v.add("client is %s, which makes single calls; api is %s, accepted with it: %s", w.Client, w.API, APIGRPC)
	}
}

// batch checks what only the API of batches has.
func (v *violations) batch(w record.Workload) {
	if w.API != APIBatch {
		if w.BatchOps != 0 {
			v.add("batch_ops is %d, but api %s sends one operation in a call; accepted with api %s", w.BatchOps, w.API, APIBatch)
		}
		return
	}
	bytes := w.BatchOps * (w.KeyBytes + w.ValueBytes + rpcpb.BatchOpBytes)
	switch {
	case w.BatchOps < 1 || w.BatchOps > rpcpb.MaxBatchOps:
		v.add("batch_ops is %d; accepted: 1 to %d", w.BatchOps, rpcpb.MaxBatchOps)
	case bytes > maxBatchBytes:
		v.add("batch_ops is %d, which makes batches of %d bytes; accepted: up to %d, the store's bound on a request", w.BatchOps, bytes, maxBatchBytes)
	}
	if w.Loop == record.LoopOpen {
		v.add("api is batch in an open loop, whose operations are due one by one; accepted: loop closed")
	}
}

// operations checks what only a window of counted operations has.
func (v *violations) operations(w record.Workload) {
	call := max(1, w.Clients) * max(1, w.BatchOps)
	switch {
	case w.Operations == 0:
	case w.Loop == record.LoopOpen:
		v.add("operations is %d, but the window of an open loop is a time; accepted: loop closed", w.Operations)
	case w.Operations < 0 || w.Operations%call != 0:
		v.add("operations is %d; accepted: 0 (the window is a time), or a multiple of %d, one call of every client", w.Operations, call)
	case w.BatchOps > 0 && len(w.Mix) > 1:
		v.add("operations is %d, but calls of a mix in batches differ in size; accepted: a mix of one type", w.Operations)
	}
}

func (v *violations) keySpace(w record.Workload) {
	v.atLeast("key_bytes", w.KeyBytes, 1)
	if w.KeyBytes > maxKeyBytes {
		v.add("key_bytes is %d; accepted: up to %d", w.KeyBytes, maxKeyBytes)
	}
	v.atLeast("keys", w.Keys, 1)
	if room := keyRoom(w.KeyBytes); w.KeyBytes >= 1 && w.Keys > room-ContendedKeys {
		v.add("keys is %d, but %d-byte keys leave room for %d, of which %d are for contended keys", w.Keys, w.KeyBytes, room, ContendedKeys)
	}
	if w.PreloadKeys < 0 || w.PreloadKeys > max(w.Keys, 0) {
		v.add("preload_keys is %d; accepted: 0 to keys (%d)", w.PreloadKeys, w.Keys)
	}
	if w.Type == TypeLargeScale && w.Clients >= 1 && w.Keys < w.Clients {
		v.add("keys is %d; %s needs at least one for each of its %d clients", w.Keys, w.Type, w.Clients)
	}
}

// span checks what ranges read.
func (v *violations) span(w record.Workload) {
	if w.RangeLimit < 0 {
		v.add("range_limit is %d; accepted: 0 (no limit) or more", w.RangeLimit)
	}
	if w.RangeKeys < 0 || w.RangeKeys > max(w.Keys, 0) {
		v.add("range_keys is %d; accepted: 0 (all keys of a prefix) to keys (%d)", w.RangeKeys, w.Keys)
		return
	}
	pairs := w.RangeKeys
	if w.RangeLimit > 0 {
		pairs = int(min(int64(pairs), w.RangeLimit))
	}
	if bytes := pairs * (w.KeyBytes + w.ValueBytes); bytes > maxAnswerBytes {
		v.add("ranges of %d keys, answers of %d bytes; accepted: up to %d bytes, or a range_limit that makes them smaller", pairs, bytes, maxAnswerBytes)
	}
}

func (v *violations) mix(w record.Workload) {
	sum, bad := 0.0, false
	for _, op := range slices.Sorted(maps.Keys(w.Mix)) {
		if _, ok := kindOf(op); !ok {
			v.add("mix names operation %q; accepted: %s", op, strings.Join(OpNames(), ", "))
			bad = true
		}
		if share := w.Mix[op]; !(share > 0 && share <= 1) {
			v.add("mix gives %s a share of %v; accepted: above 0 and up to 1", op, share)
			bad = true
		}
		sum += w.Mix[op]
	}
	switch {
	case bad:
		return
	case math.Abs(sum-1) > 1e-9:
		v.add("mix adds up to %v; accepted: 1", sum)
		return
	case (w.Type == TypePut || w.Type == TypeLargeScale) && !maps.Equal(w.Mix, DefaultMix(w.Type)):
		v.add("mix is %v; type %s has %v", w.Mix, w.Type, DefaultMix(w.Type))
	case w.Type == TypeMixed && w.Clients >= 1:
		for kind, n := range assign(w.Mix, w.Clients) {
			if n == 0 && w.Mix[Kind(kind).String()] > 0 {
				v.add("clients is %d, too few to give %s (share %v) a client of its own", w.Clients, Kind(kind), w.Mix[Kind(kind).String()])
			}
		}
	}
	if w.Mix[record.OpRange] > 0 && w.KeyBytes == 1 && w.RangeKeys == 0 {
		v.add("key_bytes is 1; a prefix range needs 2 or more, or range_keys")
	}
}
