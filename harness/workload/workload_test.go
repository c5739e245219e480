package workload

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

func valid(typ string) record.Workload {
	return record.Workload{
		Name: typ, Type: typ, API: APIGRPC, Loop: "closed", Clients: 30, Conns: 3,
		KeyBytes: 8, ValueBytes: 256, Keys: 10_000, Distribution: Uniform, Mix: DefaultMix(typ),
	}
}

func open(w *record.Workload, rate float64) {
	w.Loop, w.Arrivals, w.OfferedOpsPerSecond = record.LoopOpen, record.ArrivalsPoisson, rate
}

func mustNew(t testing.TB, w record.Workload) *Workload {
	t.Helper()
	wl, err := New(w, 42)
	require.NoError(t, err)
	return wl
}

func TestValidateReportsEveryViolationAtOnce(t *testing.T) {
	for _, typ := range Types() {
		require.Empty(t, Validate(valid(typ)), typ)
	}
	w := record.Workload{
		Name: "bad", Type: "puts", API: "soap", Loop: "half-open", KeyBytes: 1, ValueBytes: 8, Keys: 257,
		Distribution: "normal", PreloadKeys: 300, RangeLimit: -1, Mix: map[string]float64{"scan": 1},
	}
	var got []string
	for _, err := range Validate(w) {
		require.ErrorIs(t, err, ErrInvalid)
		got = append(got, err.Error())
	}
	require.Equal(t, []string{
		`workload "bad": type is "puts"; accepted: put, large-scale, mixed, blend`,
		`workload "bad": api is "soap"; accepted: grpc, http, batch, stream`,
		`workload "bad": loop is "half-open"; accepted: closed, open`,
		`workload "bad": clients is 0; accepted: 1 or more`,
		`workload "bad": conns is 0; accepted: 1 or more`,
		`workload "bad": keys is 257, but 1-byte keys leave room for 256, of which 4 are for contended keys`,
		`workload "bad": preload_keys is 300; accepted: 0 to keys (257)`,
		`workload "bad": value_bytes is 8; accepted: 24 to 1048576 (a value carries a 16-byte header and at least 8 bytes of checked filler)`,
		`workload "bad": distribution is "normal"; accepted: uniform, zipfian`,
		`workload "bad": range_limit is -1; accepted: 0 (no limit) or more`,
		`workload "bad": mix names operation "scan"; accepted: put, get, range, delete`,
	}, got)
}

func TestValidateSingleFields(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*record.Workload)
		want   string
	}{
		"theta of 1":          {func(w *record.Workload) { w.Distribution, w.ZipfTheta = Zipfian, 1 }, "zipf_theta is 1; accepted: above 0"},
		"theta NaN":           {func(w *record.Workload) { w.Distribution, w.ZipfTheta = Zipfian, math.NaN() }, "zipf_theta is NaN"},
		"theta when uniform":  {func(w *record.Workload) { w.ZipfTheta = 0.5 }, "but the distribution is uniform"},
		"idle connections":    {func(w *record.Workload) { w.Conns = 31 }, "conns is 31, more than the 30 clients"},
		"mix below 1":         {func(w *record.Workload) { w.Mix = map[string]float64{"put": 0.5} }, "mix adds up to 0.5; accepted: 1"},
		"mix negative":        {func(w *record.Workload) { w.Mix = map[string]float64{"put": 1, "get": -1} }, "mix gives get a share of -1"},
		"too few clients":     {func(w *record.Workload) { w.Clients, w.Conns = 3, 1 }, "too few to give"},
		"range of short keys": {func(w *record.Workload) { w.KeyBytes, w.Keys = 1, 252 }, "a prefix range needs 2 or more"},
		"long range":          {func(w *record.Workload) { w.RangeKeys = 10_001 }, "range_keys is 10001; accepted: 0 (all keys of a prefix) to keys (10000)"},
		"negative range":      {func(w *record.Workload) { w.RangeKeys = -1 }, "range_keys is -1; accepted: 0"},
		"heavy range": {func(w *record.Workload) { w.RangeKeys, w.ValueBytes = 10_000, 8192 },
			"ranges of 10000 keys, answers of 82000000 bytes; accepted: up to 16777216 bytes, or a range_limit"},
		"wrong mix for type": {func(w *record.Workload) { w.Type = TypePut }, "type put has map[put:1]"},
		"rate of zero":       {func(w *record.Workload) { open(w, 0) }, "rate is 0; accepted: above 0 and up to 1000000"},
		"rate below zero":    {func(w *record.Workload) { open(w, -5) }, "rate is -5"},
		"rate NaN":           {func(w *record.Workload) { open(w, math.NaN()) }, "rate is NaN"},
		"rate past ceiling":  {func(w *record.Workload) { open(w, MaxRate+1) }, "rate is 1.000001e+06; accepted"},
		"rate infinite":      {func(w *record.Workload) { open(w, math.Inf(1)) }, "rate is +Inf; accepted"},
		"unknown arrivals":   {func(w *record.Workload) { open(w, 100); w.Arrivals = "bursts" }, `arrivals is "bursts"; accepted: constant, poisson`},
		"closed with rate":   {func(w *record.Workload) { w.OfferedOpsPerSecond = 9 }, "rate is 9, but only an open loop"},
		"closed arrivals":    {func(w *record.Workload) { w.Arrivals = "poisson" }, `arrivals is "poisson", but only an open loop`},
		"own keys": {func(w *record.Workload) {
			w.Type, w.Mix, w.Keys = TypeLargeScale, DefaultMix(TypeLargeScale), 29
		}, "at least one for each of its 30 clients"},
	} {
		t.Run(name, func(t *testing.T) {
			w := valid(TypeMixed)
			tc.change(&w)
			errs := Validate(w)
			require.Len(t, errs, 1)
			require.ErrorContains(t, errs[0], tc.want)
			_, err := New(w, 1)
			require.ErrorIs(t, err, ErrInvalid)
		})
	}
}

func TestKeysHaveTheirSizeAndOrder(t *testing.T) {
	for _, size := range []int{2, 3, 4, 7, 8, 9, 64} {
		w := valid(TypePut)
		w.KeyBytes = size
		wl := mustNew(t, w)
		var previous []byte
		for i := range wl.AllKeys() {
			key := wl.AppendKey(nil, i)
			require.Len(t, key, size)
			require.Negative(t, bytes.Compare(previous, key))
			index, err := wl.Index(key)
			require.NoError(t, err)
			require.Equal(t, i, index)
			previous = key
		}
		_, err := wl.Index(wl.AppendKey(nil, wl.AllKeys()))
		require.ErrorIs(t, err, ErrKey)
		_, err = wl.Index(append(previous, 0))
		require.ErrorIs(t, err, ErrKey)
	}
}

// The bounds must hold exactly the indexes that AppendPrefix says.
func TestPrefixBounds(t *testing.T) {
	for _, tc := range []struct{ keyBytes, keys int }{{8, 10_000}, {2, 65_532}, {3, 70_000}, {12, 300}} {
		w := valid(TypePut)
		w.KeyBytes, w.Keys = tc.keyBytes, tc.keys
		wl := mustNew(t, w)
		for _, index := range []int{0, 1, 255, 256, tc.keys / 2, tc.keys - 1} {
			if index >= tc.keys {
				continue
			}
			start, end, first, n := wl.AppendPrefix(nil, nil, index)
			for i := range tc.keys {
				key := wl.AppendKey(nil, i)
				in := bytes.Compare(key, start) >= 0 && (bytes.Equal(end, []byte{0}) || bytes.Compare(key, end) < 0)
				require.Equal(t, i >= first && i < first+n, in, "index %d in the prefix of %d", i, index)
			}
		}
	}
}

// A range spans its number of keys and ends with the key space, which may fill all
// the room that its keys have.
func TestRangeBounds(t *testing.T) {
	for _, tc := range []struct{ keyBytes, keys, span int }{{8, 1000, 10}, {2, 65_532, 300}, {1, 252, 1}, {1, 252, 252}} {
		w := valid(TypeMixed)
		w.Mix = map[string]float64{record.OpRange: 1}
		w.KeyBytes, w.Keys, w.RangeKeys = tc.keyBytes, tc.keys, tc.span
		wl := mustNew(t, w)
		for _, index := range []int{0, 7, tc.keys - tc.span, tc.keys - 1} {
			start, end, first, n := wl.AppendRange(nil, nil, index)
			require.Equal(t, min(index, tc.keys-tc.span), first)
			require.Equal(t, tc.span, n)
			for i := range tc.keys {
				key := wl.AppendKey(nil, i)
				in := bytes.Compare(key, start) >= 0 && bytes.Compare(key, end) < 0
				require.Equal(t, i >= first && i < first+n, in, "index %d in the range from %d", i, index)
			}
		}
	}
}

func TestPreloadTakesEachKeyOnceOutOfOrder(t *testing.T) {
	w := valid(TypePut)
	w.PreloadKeys = 5000
	wl := mustNew(t, w)
	seen, ascents := make([]bool, w.PreloadKeys), 0
	for i := range w.PreloadKeys {
		key := wl.PreloadKey(i)
		require.False(t, seen[key], "key %d twice", key)
		seen[key] = true
		if i > 0 && key == wl.PreloadKey(i-1)+1 {
			ascents++
		}
	}
	require.Zero(t, ascents)
	require.Equal(t, maxPreloadOps, wl.PreloadOps())
	w.ValueBytes = 64 << 10
	wl = mustNew(t, w)
	require.Equal(t, 23, wl.PreloadOps(), "as many as one request may hold")
}

func TestEveryBitOfAValueCounts(t *testing.T) {
	for _, size := range []int{MinValueBytes, 30, 256} {
		w := valid(TypePut)
		w.ValueBytes = size
		wl := mustNew(t, w)
		id := WriteID{Writer: 7, Seq: 1 << 40}
		value := wl.AppendValue(nil, 123, id)
		require.Len(t, value, size)
		got, err := wl.Verify(value, 123)
		require.NoError(t, err)
		require.Equal(t, id, got)
		for bit := range size * 8 {
			value[bit/8] ^= 1 << (bit % 8)
			_, err := wl.Verify(value, 123)
			require.ErrorIs(t, err, ErrValue, "bit %d", bit)
			value[bit/8] ^= 1 << (bit % 8)
		}
		_, err = wl.Verify(value, 124)
		require.ErrorIs(t, err, ErrValue)
		_, err = wl.Verify(value[:size-1], 123)
		require.ErrorIs(t, err, ErrValue)
		other, err := New(w, 43)
		require.NoError(t, err)
		_, err = other.Verify(value, 123)
		require.ErrorIs(t, err, ErrValue, "another trial's value must not pass")
	}
}

func TestStreamsAreDeterministicAndDistinct(t *testing.T) {
	for _, typ := range Types() {
		wl, again := mustNew(t, valid(typ)), mustNew(t, valid(typ))
		take := func(s *Stream) (ops []Op) {
			for range 50 {
				ops = append(ops, s.Next()[0])
			}
			return ops
		}
		require.Equal(t, take(wl.Stream(3)), take(again.Stream(3)), typ)
		require.NotEqual(t, take(wl.Stream(3)), take(wl.Stream(4)), typ)
	}
}

func TestLargeScaleAlternatesOnOwnKeys(t *testing.T) {
	w := valid(TypeLargeScale)
	w.Clients, w.Keys = 7, 100 // 14 keys each, two left over
	w.Mix = DefaultMix(w.Type)
	wl := mustNew(t, w)
	for client := range w.Clients {
		s := wl.Stream(client)
		for range 200 {
			put := s.Next()[0]
			get := s.Next()[0]
			require.Equal(t, Op{Put, put.Key}, put)
			require.Equal(t, Op{Get, put.Key}, get)
			require.Equal(t, client, put.Key/14)
		}
	}
}

func TestMixedGivesEachTypeItsClients(t *testing.T) {
	wl := mustNew(t, valid(TypeMixed))
	counts := map[Kind]int{}
	for client := range wl.Clients {
		s := wl.Stream(client)
		kind := s.Next()[0].Kind
		for range 20 {
			require.Equal(t, kind, s.Next()[0].Kind)
		}
		counts[kind]++
	}
	require.Equal(t, map[Kind]int{Put: 12, Get: 12, Range: 3, Delete: 3}, counts)
	require.Equal(t, [Kinds]int{3, 3, 1, 1}, assign(DefaultMix(TypeMixed), 8))
}

// TestBlendDrawsByTheMix: each client sends every type, in the mix's proportions,
// and a batch is of one type.
func TestBlendDrawsByTheMix(t *testing.T) {
	w := valid(TypeBlend)
	w.Clients, w.Conns, w.API, w.BatchOps = 1, 1, APIBatch, 7
	w.Mix = map[string]float64{record.OpGet: 0.9, record.OpPut: 0.06, record.OpRange: 0.04}
	s := mustNew(t, w).Stream(0)
	calls := map[Kind]float64{}
	for range 10_000 {
		ops := s.Next()
		kind := ops[0].Kind
		if kind == Range {
			require.Len(t, ops, 1)
		} else {
			require.Len(t, ops, 7)
		}
		for _, op := range ops {
			require.Equal(t, kind, op.Kind)
		}
		calls[kind]++
	}
	require.Len(t, calls, 3)
	// The deviation of the smallest count is about 20.
	require.InDelta(t, 9000, calls[Get], 150)
	require.InDelta(t, 600, calls[Put], 120)
	require.InDelta(t, 400, calls[Range], 100)
	require.Empty(t, mustNew(t, w).Lanes())
}

func TestUniformCoversTheSpace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := make([]int, 50)
	for range 50_000 {
		seen[uniform(50).choose(r)]++
	}
	// Each of 50 keys expects 1000 with a deviation of 31: five of them.
	for key, n := range seen {
		require.InDelta(t, 1000, n, 160, "key %d", key)
	}
}

// Rank frequencies must follow 1/(rank+1)^theta, and scattering must keep keys
// apart.
func TestZipfianFollowsItsLaw(t *testing.T) {
	const n, draws, theta = 1000, 400_000, 0.99
	z := newZipfian(n, theta)
	r := rand.New(rand.NewPCG(1, 2))
	ranks := make([]float64, n)
	for range draws {
		ranks[z.rank(r.Float64())]++
	}
	zeta := 0.0
	for i := range n {
		zeta += math.Pow(float64(i+1), -theta)
	}
	// The two first ranks are exact in Gray's method.
	require.InEpsilon(t, draws/zeta, ranks[0], 0.03)
	require.InEpsilon(t, draws/zeta*math.Pow(0.5, theta), ranks[1], 0.03)
	// The rest are a continuous approximation: compare by decades.
	for low := 10; low < n; low *= 10 {
		want, got := 0.0, 0.0
		for i := low; i < low*10; i++ {
			want += math.Pow(float64(i+1), -theta) / zeta * draws
			got += ranks[i]
		}
		require.InEpsilon(t, want, got, 0.1, "ranks %d to %d", low, low*10)
	}
	keys := make([]int, n)
	for rank := range n {
		keys[rank] = z.keys.at(rank)
	}
	slices.Sort(keys)
	require.Len(t, slices.Compact(keys), n, "two ranks share a key")
}

func TestZipfianOfTinySpaces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 4; n++ {
		z := newZipfian(n, 0.99)
		seen := map[int]bool{}
		for range 2000 {
			key := z.choose(r)
			require.True(t, key >= 0 && key < n)
			seen[key] = true
		}
		require.Len(t, seen, n)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	w := valid(TypeMixed)
	w.Distribution, w.ZipfTheta = Zipfian, 0.99
	wl := mustNew(t, w)
	s := wl.Stream(0)
	key, end, value := make([]byte, 0, 16), make([]byte, 0, 16), make([]byte, 0, 256)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		op := s.Next()[0]
		key = wl.AppendKey(key[:0], op.Key)
		value = wl.AppendValue(value[:0], op.Key, WriteID{1, 2})
		_, err := wl.Verify(value, op.Key)
		if err != nil {
			panic(err)
		}
		key, end, _, _ = wl.AppendPrefix(key[:0], end[:0], op.Key)
	}))
}

// FuzzValue: no bytes may panic Verify, and whatever passes must be exactly
// what AppendValue makes.
func FuzzValue(f *testing.F) {
	wl := mustNew(f, valid(TypePut))
	f.Add(wl.AppendValue(nil, 5, WriteID{1, 1}), 5)
	f.Add([]byte("short"), 0)
	f.Fuzz(func(t *testing.T, value []byte, index int) {
		index = int(uint(index) % uint(wl.Keys))
		id, err := wl.Verify(value, index)
		if err != nil {
			require.ErrorIs(t, err, ErrValue)
			return
		}
		require.Equal(t, wl.AppendValue(nil, index, id), value)
	})
}

// FuzzKey: no bytes may panic Index, and whatever passes must be a key.
func FuzzKey(f *testing.F) {
	w := valid(TypePut)
	w.KeyBytes = 10
	wl := mustNew(f, w)
	f.Add(wl.AppendKey(nil, 77))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, key []byte) {
		index, err := wl.Index(key)
		if err != nil {
			require.ErrorIs(t, err, ErrKey)
			return
		}
		require.Equal(t, wl.AppendKey(nil, index), key)
	})
}

func BenchmarkPutBytes(b *testing.B) {
	wl := mustNew(b, valid(TypePut))
	s := wl.Stream(0)
	key, value, seq := make([]byte, 0, 8), make([]byte, 0, 256), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		op := s.Next()[0]
		key = wl.AppendKey(key[:0], op.Key)
		value = wl.AppendValue(value[:0], op.Key, WriteID{1, seq})
	}
}

func BenchmarkVerify(b *testing.B) {
	wl := mustNew(b, valid(TypePut))
	value := wl.AppendValue(nil, 5, WriteID{1, 1})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wl.Verify(value, 5); err != nil {
			b.Fatal(err)
		}
	}
}
