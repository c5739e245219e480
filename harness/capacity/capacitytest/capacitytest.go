// Package capacitytest makes synthetic trials and runs for the tests of capacity
// studies: a queue with a service rate, from whose formula the response times
// come. No figure in it is a measurement, and nothing outside tests may import
// it.
package capacitytest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"metastorebench/harness/capacity"
	"metastorebench/harness/record"
)

// Spec is a small study of two variants.
func Spec() capacity.Spec {
	options := func(propose string) map[string]string {
		return map[string]string{"engine": "memory", "disk": "native", "propose": propose}
	}
	return capacity.Spec{
		Objectives: []capacity.Objective{{Percentile: 99, Limit: 5 * time.Millisecond}},
		Variants:   []capacity.Variant{{Name: "baseline", Options: options("perop")}, {Name: "full", Options: options("batch")}},
		Workload: record.Workload{
			Name: "put", Type: "put", Loop: record.LoopOpen, API: "grpc", Clients: 256, Conns: 1, KeyBytes: 8, ValueBytes: 256,
			Keys: 100_000, Distribution: "uniform", Mix: map[string]float64{record.OpPut: 1},
		},
		Repeats: 3, Blocks: 3, Resolution: 0.05, Warmup: 100 * time.Millisecond, Measure: 2 * time.Second, MaxMeasure: time.Minute,
		MinRate: 100, StartRate: 1000, MaxRate: 100_000, Seed: 7,
	}
}

// Queue is a store with one server: exponential service at Rate operations per
// second, so that the p-th percentile of the response time at an offered rate x
// is -ln(1-p)/(Rate-x).
//
// Source: the M/M/1 queue, Harchol-Balter, Performance Modeling and Design of
// Computer Systems, 2013, chapter 13.
type Queue struct{ Rate float64 }

// Trial is one trial of the queue. At its rate or above it, it saturates.
func (q Queue) Trial(s capacity.Spec, a capacity.Ask) record.Trial {
	const (
		samples = 12_000
		prompt  = 20 * time.Microsecond // of the generator
	)
	rng := rand.New(rand.NewPCG(s.TrialSeed(a), uint64(a.Order)))
	window := s.Window(a)
	due := int64(a.Rate * window.Seconds())
	t := record.Trial{
		Schema: record.Schema, Cell: s.Cell(a).ID, Block: a.Block, Order: a.Order, Seed: s.TrialSeed(a),
		Started: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC).Add(time.Duration(a.Order) * 3 * time.Second), WarmupNS: s.Warmup.Nanoseconds(), MeasureNS: window.Nanoseconds(),
		Durability: record.TierSynced, Workload: s.WorkloadAt(a),
		OpenLoop: &record.OpenLoop{Due: due, Sent: due, SendLagHDR: Durations(prompt, samples), TimingErrorHDR: Durations(prompt, samples)},
		Checks:   []record.Check{{Name: "end-state", OK: true}},
	}
	spare := q.Rate - a.Rate
	if spare <= 0 {
		t.OpenLoop.Unsent = due - int64(q.Rate*window.Seconds()) + 1
		t.OpenLoop.Sent = due - t.OpenLoop.Unsent
		spare = q.Rate / 1000
	}
	spare *= math.Exp(0.02 * rng.NormFloat64())
	response, service := record.NewHistogram(), record.NewHistogram()
	for range samples {
		e := rng.ExpFloat64()
		store(response, e/spare)
		store(service, e/q.Rate)
	}
	t.Ops = []record.OpStats{{Op: record.OpPut, Count: t.OpenLoop.Sent, ResponseHDR: encode(response), ServiceHDR: encode(service)}}
	return t
}

// store keeps a duration in seconds.
func store(h *hdr.Histogram, seconds float64) {
	if err := h.RecordValue(max(record.HDRMinNS, int64(seconds*1e9))); err != nil {
		panic(err) // the model left the histogram's range: a bug of this file
	}
}

// Run carries a study out on queues, one for each variant, and returns its
// records.
func Run(s capacity.Spec, queues []Queue) (record.Manifest, []record.Trial) {
	study, err := capacity.NewStudy(s)
	if err != nil {
		panic(err) // the caller's spec is wrong
	}
	text, err := s.Encode()
	if err != nil {
		panic(err) // encoding to memory
	}
	m := record.Manifest{
		Schema: record.Schema, Plan: capacity.PlanName, Level: "default", Seed: s.Seed, Blocks: s.Blocks, PlanYAML: string(text),
		Started: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Finished: time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC),
		Command: []string{"metabench", "capacity"},
		Env:     record.Environment{CPUModel: "Synthetic CPU", CPUs: 2, MemoryBytes: 8 << 30, Filesystem: "ext4", SyncSamples: 200},
	}
	seen := map[string]bool{}
	var trials []record.Trial
	for {
		a, ok := study.Next()
		if !ok {
			return m, trials
		}
		if c := s.Cell(a); !seen[c.ID] {
			seen[c.ID] = true
			m.Cells = append(m.Cells, c)
		}
		t := queues[a.Variant].Trial(s, a)
		if err := study.Tell(&t); err != nil {
			panic(fmt.Sprintf("capacitytest: %v", err)) // the trial does not answer its own question
		}
		trials = append(trials, t)
	}
}

// Durations is an encoded histogram of one duration, so many times.
func Durations(d time.Duration, times int64) string {
	h := record.NewHistogram()
	if err := h.RecordValues(d.Nanoseconds(), times); err != nil {
		panic(err) // out of range: the caller's mistake
	}
	return encode(h)
}

func encode(h *hdr.Histogram) string {
	s, err := record.EncodeHDR(h)
	if err != nil {
		panic(err) // encoding to memory
	}
	return s
}
