package wire_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"metastorebench/core/apply"
	"metastorebench/core/codec"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/wal"
	"metastorebench/variants/apply/batch"
	"metastorebench/variants/codec/wire"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/hash"
)

// aliasing is an engine of which the apply stage believes that it copies pairs, so
// that what it keeps aliases the log's entries.
type aliasing struct{ engine.Engine }

func (aliasing) CopiesPairs() {}

// BenchmarkRetained measures what the memory engine's state keeps alive when the
// log has been cut: the heap for each key, after 20 random overwrites of each of
// 20,000 keys of 8 bytes with values of 256, in entries of so many puts. It is why
// pairs are copied out of entries that they are a small part of.
func BenchmarkRetained(b *testing.B) {
	for _, puts := range []int{1, 10, 100, 1000, 4000} {
		for _, alias := range []bool{false, true} {
			b.Run(fmt.Sprintf("entry=%d/alias=%t", puts, alias), func(b *testing.B) {
				for b.Loop() {
					b.ReportMetric(retained(b, puts, alias), "heap-B/key")
				}
			})
		}
	}
}

func retained(b *testing.B, puts int, alias bool) float64 {
	const keys, rounds = 20_000, 20
	before := heapBytes()
	e := memory.New(hash.New(nil))
	if alias {
		e = aliasing{e}
	}
	a := apply.NewApplier(apply.Config{
		Engine: e, Decoder: codec.NewDecoder(wire.Codec{}), Policy: batch.Policy{}, Recycle: true,
		Resolve:  func(codec.ProposalID, []kv.Result) {},
		OnCommit: func(engine.State, int) {},
	})
	rng := rand.New(rand.NewPCG(1, uint64(puts)))
	for index, done := uint64(1), 0; done < keys*rounds; index, done = index+1, done+puts {
		if err := a.Apply([]wal.Entry{{Index: index, Term: 1, Data: randomPuts(rng, puts, keys)}}); err != nil {
			b.Fatal(err)
		}
	}
	after := heapBytes()
	runtime.KeepAlive(a)
	return float64(after-before) / keys
}

// randomPuts returns an entry of puts of random keys.
func randomPuts(rng *rand.Rand, puts, keys int) []byte {
	var pieces [][]byte
	for range puts {
		key := binary.BigEndian.AppendUint64(nil, uint64(rng.IntN(keys)))
		body := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), key)
		body = protowire.AppendBytes(protowire.AppendTag(body, 2, protowire.BytesType), make([]byte, 256))
		w := kv.Wire{Form: kv.FormPut, Ops: 1, Bytes: body}
		pieces = append(pieces, wire.Codec{}.AppendHead(nil, w), body)
	}
	size := codec.HeaderBytes
	for _, p := range pieces {
		size += len(p)
	}
	return codec.AppendEntry(make([]byte, 0, size), wire.Codec{}, codec.ProposalID{}, pieces)
}

func heapBytes() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
