package statstest

import (
	"math/rand/v2"
	"time"

	"metastorebench/harness/record"
)

// AA returns a synthetic A/A run: the baseline and full phase 1 on the memory
// engine, each under two names with noise of its own. gain is by how much the
// second name's throughput is made greater in truth: 1 for a run of copies.
func AA(c Config, gain float64) (record.Manifest, []record.Trial) {
	m, _ := Phase1(Config{Seed: c.Seed, Level: c.Level})
	m.Plan, m.Blocks, m.Cells, m.Skipped = "aa", c.Blocks, nil, nil
	m.Command = []string{"bin/metabench", "run", "aa"}
	rng := rand.New(rand.NewPCG(c.Seed, 2))
	for _, set := range []int{0, 15} {
		for _, arm := range []string{"a", "b"} {
			cl := cell("copies", "memory", "put50", "native", "perentry", set)
			cl.ID += "/arm=" + arm
			cl.Options["arm"] = arm
			m.Cells = append(m.Cells, cl)
		}
	}
	var trials []record.Trial
	for b := range c.Blocks {
		for _, i := range rng.Perm(len(m.Cells)) {
			t := trial(rng, m.Cells[i], b, c.Samples)
			t.Order = len(trials)
			t.Started = t.Started.Add(time.Duration(t.Order) * time.Second)
			if m.Cells[i].Options["arm"] == "b" {
				t.Ops[0].Count = int64(float64(t.Ops[0].Count) * gain)
			}
			trials = append(trials, t)
		}
	}
	return m, trials
}
