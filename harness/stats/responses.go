package stats

import (
	"metastorebench/harness/metric"

	"maps"
	"math"
	"slices"
)

// LogFactorial returns, for each block in which every setting of the stratum has
// a valid and positive measurement, the natural logarithms of m by setting, and
// how many blocks were left out. complete is false if a setting has no cell: the
// stratum is not a full factorial.
func (s *Stratum) LogFactorial(m metric.Func) (blocks [][]float64, left int, complete bool) {
	all := make([]Setting, 1<<len(s.Factors))
	for i := range all {
		all[i] = Setting(i)
	}
	return s.LogSettings(m, all)
}

// LogSettings returns, for each block in which every one of the settings has a
// valid and positive measurement, the natural logarithms of m in the order of
// settings, and how many blocks that have any were left out. complete is false
// if a setting has no cell. Settings may repeat. Metrics that are costly to read
// are read once per trial and setting.
func (s *Stratum) LogSettings(m metric.Func, settings []Setting) (blocks [][]float64, left int, complete bool) {
	cells := make([]*Cell, len(settings))
	for i, set := range settings {
		if cells[i] = s.At(set); cells[i] == nil {
			return nil, 0, false
		}
	}
	logs := map[int][]float64{} // by block
	measured := map[int]int{}   // settings, by block
	for i, c := range cells {
		for _, t := range c.Trials {
			v, ok := m(t)
			if !ok || v <= 0 {
				continue
			}
			if logs[t.Block] == nil {
				logs[t.Block] = make([]float64, len(settings))
			}
			logs[t.Block][i] = math.Log(v)
			measured[t.Block]++
		}
	}
	for _, block := range slices.Sorted(maps.Keys(logs)) {
		if measured[block] == len(settings) {
			blocks = append(blocks, logs[block])
		}
	}
	return blocks, len(logs) - len(blocks), true
}
