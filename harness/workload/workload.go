package workload

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"metastorebench/core/rpcpb"
	"metastorebench/harness/record"
)

// Kind is an operation type.
type Kind uint8

// The operation types, in the order in which they are recorded.
const (
	Put Kind = iota
	Get
	Range
	Delete
	// Kinds is the number of operation types.
	Kinds = iota
)

var kindNames = [Kinds]string{record.OpPut, record.OpGet, record.OpRange, record.OpDelete}

// String returns the name under which results record the operation.
func (k Kind) String() string { return kindNames[k] }

// OpNames returns the names of all operation types.
func OpNames() []string { return kindNames[:] }

func kindOf(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(i), i >= 0
}

// Op is one operation to send. A range reads RangeKeys keys from Key on, or the
// prefix that holds it.
type Op struct {
	Kind Kind
	Key  int // index of the key, 0 to Keys-1
}

// Workload is a validated workload with its seed. It is immutable: any number
// of goroutines may use it.
type Workload struct {
	record.Workload
	seed  uint64
	keys  chooser
	roles [Kinds]int     // mixed: clients of each kind
	mix   [Kinds]float64 // blend: chances of each kind
	load  scatter        // of the preload's keys
}

// New prepares a workload. It returns all violations joined if w is not valid.
func New(w record.Workload, seed uint64) (*Workload, error) {
	if errs := Validate(w); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	wl := &Workload{Workload: w, seed: seed, load: newScatter(max(1, w.PreloadKeys))}
	space := w.Keys
	if w.Type == TypeLargeScale {
		space = w.Keys / w.Clients
	}
	switch w.Distribution {
	case Zipfian:
		wl.keys = newZipfian(space, w.ZipfTheta)
	default:
		wl.keys = uniform(space)
	}
	switch w.Type {
	case TypeMixed:
		wl.roles = assign(w.Mix, w.Clients)
	case TypeBlend:
		for k, name := range kindNames {
			wl.mix[k] = w.Mix[name]
		}
	}
	return wl, nil
}

// PreloadWriter is the writer number of the writes made before the clients
// start.
func (w *Workload) PreloadWriter() uint32 { return uint32(w.Clients) }

// Contender is the writer number of the i-th that contends for the contended keys.
func (w *Workload) Contender(i int) uint32 { return uint32(w.Clients + 1 + i) }

// PreloadKey is the index of the i-th key that the preload writes, 0 to
// PreloadKeys-1. Keys come in an order of their own: sorted ones would spare a
// storage engine the compactions that loading costs elsewhere.
func (w *Workload) PreloadKey(i int) int { return w.load.at(i) }

// maxPreloadOps is how many puts of a preload go into one batch at most.
const maxPreloadOps = 1000

// PreloadOps is how many puts go into one batch of the preload, where the store
// serves batches.
func (w *Workload) PreloadOps() int {
	return max(1, min(maxPreloadOps, maxBatchBytes/(w.KeyBytes+w.ValueBytes+rpcpb.BatchOpBytes)))
}

// Stream returns client i's operations (0 to Clients-1).
func (w *Workload) Stream(i int) *Stream {
	s := &Stream{work: w, rand: rand.New(rand.NewPCG(w.seed, uint64(i)))}
	switch w.Type {
	case TypePut:
		s.cycle = []Kind{Put}
	case TypeLargeScale:
		s.cycle = []Kind{Put, Get}
		s.first = i * (w.Keys / w.Clients)
	case TypeMixed:
		s.cycle = []Kind{w.role(i)}
	case TypeBlend:
		s.cycle = make([]Kind, 1) // drawn for each call
	}
	longest := w.Call(Put) // ranges are no longer
	s.call, s.ops = make([]int, longest), make([]Op, longest)
	return s
}

// draw chooses a kind by the mix.
func (w *Workload) draw(r *rand.Rand) Kind {
	at, last := r.Float64(), Put
	for k, chance := range w.mix {
		if chance == 0 {
			continue
		}
		if last = Kind(k); at < chance {
			break
		}
		at -= chance
	}
	return last // the sum may miss 1 by a rounding
}

func (w *Workload) role(client int) Kind {
	for k, n := range w.roles {
		if client < n {
			return Kind(k)
		}
		client -= n
	}
	panic("workload: a client without a role") // the roles add up to Clients
}

// Call returns how many operations of a kind go into one call.
func (w *Workload) Call(k Kind) int {
	if w.API == APIBatch && k != Range {
		return w.BatchOps
	}
	return 1
}

// Stream is one client's endless sequence of operations. It belongs to one
// goroutine.
type Stream struct {
	work  *Workload
	rand  *rand.Rand
	cycle []Kind // operations made in turn on the same keys, in calls of one length
	at    int
	first int   // index of the client's first key
	call  []int // keys of the calls of one turn of the cycle
	ops   []Op  // reused
}

// Next returns the operations of the next call, which are of one kind. The slice
// is valid until the next call of Next.
func (s *Stream) Next() []Op {
	if s.work.Type == TypeBlend {
		s.cycle[0] = s.work.draw(s.rand)
	}
	call := s.call[:s.work.Call(s.cycle[0])]
	if s.at == 0 {
		for i := range call {
			call[i] = s.first + s.work.keys.choose(s.rand)
		}
	}
	ops := s.ops[:len(call)]
	for i, key := range call {
		ops[i] = Op{Kind: s.cycle[s.at], Key: key}
	}
	s.at = (s.at + 1) % len(s.cycle)
	return ops
}

// assign shares out clients among the kinds by largest remainder.
func assign(mix map[string]float64, clients int) (n [Kinds]int) {
	type rest struct {
		kind     int
		fraction float64
	}
	var rests []rest
	left := clients
	for k, name := range kindNames {
		exact := mix[name] * float64(clients)
		// The tolerance keeps 0.1*30 from becoming 2.999.
		whole := math.Floor(exact + 1e-9)
		n[k] = int(whole)
		left -= n[k]
		if mix[name] > 0 {
			rests = append(rests, rest{k, exact - whole})
		}
	}
	slices.SortStableFunc(rests, func(a, b rest) int { return cmp.Compare(b.fraction, a.fraction) })
	for i := range left {
		n[rests[i%len(rests)].kind]++
	}
	return n
}
