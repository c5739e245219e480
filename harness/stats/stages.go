package stats

import "metastorebench/harness/record"

// Options of a cell that do not make it another variant.
const (
	optionStageSample = "stage-sample"
	optionArm         = "arm"
)

// Breakdown says where a cell's writes spend their time, from the client's send
// to its answer. Times are in nanoseconds per write.
//
// Each trial gives one mean per part: the store's stages over the writes that it
// traced, the client's service time over all writes of the window. The traced
// are a sample of all, so that a difference of the two ("client and network")
// carries the sampling's error too.
type Breakdown struct {
	Trials  int   // trials that traced stages
	Every   int64 // one write in so many was traced
	Samples int64 // writes traced, in all trials
	// Service is the client's mean service time of writes, per trial.
	Service Summary
	// Store is the time from the request's arrival at the store to its encoded
	// reply, measured apart from the stages.
	Store Summary
	// Parts are the stages in their order, then PartOutside. Their MeanNS add up
	// to ServiceMeanNS.
	Parts         []Part
	ServiceMeanNS float64
	// Layers are the measured counterparts of the plan's layers B1 to B5.
	Layers []Layer
}

// PartOutside is what a write takes beside the store's stages: the client, both
// of its socket's sides, and both kernels' work between.
const PartOutside = "client and network"

// Part is a share of the service time.
type Part struct {
	Name string
	// MeanNS is the mean of the trials' means. Unlike medians, means add up.
	MeanNS float64
	// NS is the time per write, and Share its part of the service time (0 to 1),
	// one value per trial.
	NS, Share Summary
}

// Layer is what was measured of one layer of the plan, B1 to B5.
type Layer struct {
	ID string // the claim's
	// What names the stages that it was measured by, and what is not in them or
	// too much in them.
	What string
	// NS and Share are as in Part. A layer that could not be measured has N = 0.
	NS, Share Summary
}

// layer is how one layer of the plan is measured.
type layer struct {
	id, what string
	time     Metric
}

// layersBy maps the plan's layers to stages; write is WriteTime.
func layersBy(write Metric) []layer {
	return []layer{
		{"B1", "append; waiting for the log's earlier writes included", StageTime(record.StageAppend)},
		{"B2", "encode alone; decoding is part of apply and cannot be told from it", StageTime(record.StageEncode)},
		{"B3", "apply; decoding the log entry included", StageTime(record.StageApply)},
		{"B4", "decode, reply, client and network", b4By(write)},
		{"B5", "wait for the storage lock, which is part of apply; there are no interceptors", LockWait},
	}
}

// BreakdownOf takes a cell's writes apart. ok is false if no valid trial of the
// cell traced stages.
func BreakdownOf(c *Cell) (b Breakdown, ok bool) {
	traced := &Cell{Cell: c.Cell}
	write := remembered(WriteTime)
	outside := outsideBy(write)
	for _, t := range c.Trials {
		if _, ok := outside(t); ok {
			traced.Trials = append(traced.Trials, t)
			b.Every = t.Stages.SampleEvery
			b.Samples += t.Stages.Samples
		}
	}
	b.Trials = len(traced.Trials)
	if b.Trials == 0 {
		return b, false
	}
	b.Service, b.Store = Over(traced, write), Over(traced, StoreTime)
	for _, name := range record.StageNames() {
		b.add(traced, name, StageTime(name), write)
	}
	b.add(traced, PartOutside, outside, write)
	for _, l := range layersBy(write) {
		b.Layers = append(b.Layers, Layer{ID: l.id, What: l.what, NS: Over(traced, l.time), Share: Over(traced, shareOf(l.time, write))})
	}
	return b, true
}

// remembered reads m once of each trial: WriteTime decodes histograms.
func remembered(m Metric) Metric {
	type value struct {
		v  float64
		ok bool
	}
	known := map[*record.Trial]value{}
	return func(t *record.Trial) (float64, bool) {
		k, found := known[t]
		if !found {
			k.v, k.ok = m(t)
			known[t] = k
		}
		return k.v, k.ok
	}
}

func (b *Breakdown) add(c *Cell, name string, m, write Metric) {
	p := Part{Name: name, NS: Over(c, m), Share: Over(c, shareOf(m, write))}
	for _, t := range c.Trials {
		v, _ := m(t)
		p.MeanNS += v / float64(len(c.Trials))
	}
	b.Parts = append(b.Parts, p)
	b.ServiceMeanNS += p.MeanNS
}

// Layer returns the counterpart of a layer of the plan, B1 to B5.
func (b *Breakdown) Layer(id string) (Layer, bool) {
	for _, l := range b.Layers {
		if l.ID == id {
			return l, true
		}
	}
	return Layer{}, false
}

// StageTime is the mean time of a traced write in the given stages of the store,
// in nanoseconds.
func StageTime(stages ...string) Metric {
	return func(t *record.Trial) (float64, bool) {
		if t.Stages == nil || t.Stages.Samples == 0 {
			return 0, false
		}
		var sum int64
		for _, s := range stages {
			sum += t.Stages.SumNS[s]
		}
		return float64(sum) / float64(t.Stages.Samples), true
	}
}

// StoreTime is the mean time of a traced write in the store, in nanoseconds,
// measured apart from the stages.
func StoreTime(t *record.Trial) (float64, bool) {
	if t.Stages == nil || t.Stages.Samples == 0 {
		return 0, false
	}
	return float64(t.Stages.TotalNS) / float64(t.Stages.Samples), true
}

// WriteTime is the client's mean service time of all writes (puts and deletes),
// failed ones included, in nanoseconds.
func WriteTime(t *record.Trial) (float64, bool) {
	var sum float64
	var n int64
	for _, op := range []string{record.OpPut, record.OpDelete} {
		o := findOp(t, op)
		if o == nil {
			continue
		}
		h, err := record.DecodeHDR(o.ServiceHDR)
		if err != nil {
			return 0, false
		}
		sum += h.Mean() * float64(h.TotalCount())
		n += h.TotalCount()
	}
	return sum / float64(n), n > 0
}

// outsideBy is write, which is WriteTime, without the stages, in nanoseconds:
// PartOutside.
func outsideBy(write Metric) Metric {
	stages := StageTime(record.StageNames()...)
	return func(t *record.Trial) (float64, bool) {
		inside, traced := stages(t)
		if !traced {
			return 0, false // most trials are not: their histograms need no decoding
		}
		all, ok := write(t)
		return all - inside, ok
	}
}

// B4Time is what the plan's layer B4, gRPC and its protobuf, can hide in: the
// stages decode and reply with PartOutside.
func B4Time(t *record.Trial) (float64, bool) { return b4By(WriteTime)(t) }

// b4By is B4Time; write is WriteTime.
func b4By(write Metric) Metric {
	ends, rest := StageTime(record.StageDecode, record.StageReply), outsideBy(write)
	return func(t *record.Trial) (float64, bool) {
		inside, _ := ends(t)
		outside, ok := rest(t)
		return inside + outside, ok
	}
}

// LockWait is the time that a write waits for the storage lock, in nanoseconds.
var LockWait = quotient(func(m *record.Mechanism) int64 { return m.LockWaitNS }, appliedOps)

// LockWaitPerOp is the time that operations of any type, reads included, wait for
// locks of the memory engine's index, in nanoseconds per completed operation.
func LockWaitPerOp(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil {
		return 0, false
	}
	return perOp(t, t.Mechanism.LockWaitNS)
}

// shareOf is a time as a share of another.
func shareOf(m, whole Metric) Metric {
	return func(t *record.Trial) (float64, bool) {
		part, ok := m(t)
		all, measured := whole(t)
		return part / all, ok && measured && all > 0
	}
}

// Traced reports whether the options make the store trace its stages. Such a
// cell is not compared with cells that do not.
func Traced(options map[string]string) bool {
	every := options[optionStageSample]
	return every != "" && every != "0"
}
