package statstest

import (
	"fmt"
	"math/rand/v2"

	"metastorebench/harness/fraction"
	"metastorebench/harness/record"
)

// fractionPlan is the part of a plan that analysis reads.
const fractionPlan = `name: six
baseline: {propose: perop, codec: json, apply: perop, rpc: default, wal: perentry, index: hash, engine: memory, disk: native}
factors:
  - {id: P1.1, axis: propose, value: batch}
  - {id: P1.2, axis: codec, value: protobuf}
  - {id: P1.3, axis: apply, value: batch}
  - {id: P1.4, axis: rpc, value: tuned}
  - {id: P2.1, axis: wal, value: perready}
  - {id: E, axis: engine, value: pebble}
`

// Fraction returns a synthetic run of six factors in a standard fraction of at
// least the resolution, with the setting of all factors on.
func Fraction(c Config, resolution int) (record.Manifest, []record.Trial) {
	d, err := fraction.Standard(6, resolution)
	if err != nil {
		panic(err) // the caller asks for a resolution that there is not
	}
	m := manifest(c, "six")
	m.PlanYAML = fractionPlan
	rng := rand.New(rand.NewPCG(c.Seed, 2))
	var trials []record.Trial
	for _, s := range d.Points() {
		wal := [2]string{"perentry", "perready"}[s>>4&1]
		engine := [2]string{"memory", "pebble"}[s>>5&1]
		cl := cell("fraction", engine, "put50", "native", wal, int(s&15))
		cl.ID = fmt.Sprintf("fraction/%06b", s)
		m.Cells = append(m.Cells, cl)
		for b := range c.Blocks {
			t := trial(rng, cl, b, c.Samples)
			t.Order = len(trials)
			trials = append(trials, t)
		}
	}
	return m, trials
}
