package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// manyFactors is a plan of k two-valued factors a0, a1, ... in one group.
func manyFactors(t *testing.T, k int, design string) *Matrix {
	var baseline, factors []string
	for i := range k {
		baseline = append(baseline, fmt.Sprintf("a%d: off", i))
		factors = append(factors, fmt.Sprintf("{id: F%d, axis: a%d, value: on}", i, i))
	}
	p, err := Parse("many.yaml", fmt.Appendf(nil, `
name: many
title: many factors
baseline: {engine: memory, %s}
factors: [%s]
workloads: {put: {type: put, clients: 1, key_bytes: 8, value_bytes: 256, keys: 100}}
groups: [{name: g, designs: [%s], workloads: [put]}]
levels: {default: {blocks: 4, warmup: 1ms, measure: 1ms}}
`, strings.Join(baseline, ", "), strings.Join(factors, ", "), design), nil)
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	return m
}

func TestFractionalCells(t *testing.T) {
	for _, c := range []struct {
		k      int
		design string
		cells  int
	}{
		{6, designFractional, 32}, {7, designFractional, 65}, {8, designFractional, 65}, {10, designFractional, 129},
		{6, designFractionalIV, 16}, {9, designFractionalIV, 33}, {6, designFactorial, 64},
	} {
		m := manyFactors(t, c.k, c.design)
		require.Len(t, m.Entries, c.cells, "%s of %d", c.design, c.k)
		first, last := m.Entries[0].Cell, m.Entries[len(m.Entries)-1].Cell
		for i := range c.k {
			axis := fmt.Sprint("a", i)
			require.Equal(t, "off", first.Options[axis], "the baseline is a point")
			require.Equal(t, "on", last.Options[axis], "so are all together")
		}
		require.Equal(t, m.Hash(), manyFactors(t, c.k, c.design).Hash())
	}
}

func TestDesignNotes(t *testing.T) {
	require.Equal(t, []string{
		"group g, factorial: 7 factors have 128 settings, so the group's 128 cells x 4 blocks are 512 trials; design fractional would take 65 of the settings",
	}, manyFactors(t, 7, designFactorial).DesignNotes())

	m := manyFactors(t, 6, designFractional)
	notes := strings.Join(m.DesignNotes(), "\n")
	for _, want := range []string{"group g, fractional: 2^(6-1) fractional factorial of resolution VI", "A = F0 a0", "I = ABCDEF", "A = BCDEF", "AB = CDEF"} {
		require.Contains(t, notes, want)
	}
	require.Empty(t, manyFactors(t, 5, designFactorial).DesignNotes())
	require.Empty(t, expand(t, "phase1", "full").DesignNotes())
}
