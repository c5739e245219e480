package gate

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results", "history.jsonl")
	_, err := ReadHistory(path)
	require.ErrorIs(t, err, ErrHistory)
	require.ErrorIs(t, err, fs.ErrNotExist)

	res := judge(t, simulated(24, truths(armTruth{})))
	require.NoError(t, AppendHistory(path, res.Entry()))
	res.Manifest.Env.CPUs = 64
	require.NoError(t, AppendHistory(path, res.Entry()))
	all, err := ReadHistory(path)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "0123456789abcdef", all[0].Commit)
	require.Equal(t, Pass, all[0].Outcome)
	require.Len(t, all[0].Values, 3)
	require.Equal(t, "allocs@put", all[0].Values[0].Gate)
	require.InDelta(t, 70, all[0].Values[0].Median, 0.5)
	require.NotEqual(t, all[0].Machine, all[1].Machine)
}

func TestDamagedHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	for text, want := range map[string]string{
		`{"schema":1`:                      "history.jsonl:1: the line is cut short; remove it",
		"{}\n":                             "history.jsonl:1: schema is 0; accepted: 1",
		"{\"schema\":1}\nnonsense\n":       "history.jsonl:2: invalid character",
		"{\"schema\":1,\"speed\":2}\n":     `unknown field "speed"`,
		"{\"schema\":1,\"values\":[{}]}\n": `value 0 of gate ""; accepted: a positive value of metric@load`,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := ReadHistory(path)
		require.ErrorIs(t, err, ErrHistory, text)
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, AppendHistory(path, Entry{Schema: schemaHistory}), ErrHistory, "nothing is added to it")
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
}

// TestTrend finds the step in a history, and leaves out other machines.
func TestTrend(t *testing.T) {
	var history []Entry
	for i := range 20 {
		allocs := 70.0 + 0.1*float64(i%3)
		if i >= 12 {
			allocs += 2
		}
		history = append(history, Entry{
			Schema: schemaHistory, Time: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC), Commit: string(rune('a' + i)), Subject: "store: a|b", Machine: "here",
			Values: []Value{{"allocs@put", "allocations/op", allocs, 24}, {"fsyncs_per_write@put", "syncs/write", 1, 24}},
		})
	}
	history = append([]Entry{{Machine: "elsewhere", Values: []Value{{"allocs@put", "allocations/op", 700, 24}}}}, history...)
	trend, err := NewTrend(history, 0)
	require.NoError(t, err)
	require.Equal(t, 1, trend.Others)
	require.Len(t, trend.Series, 2)
	require.Len(t, trend.Series[0].Steps, 1)
	require.Equal(t, 12, trend.Series[0].Steps[0].At)
	require.Empty(t, trend.Series[1].Steps)
	require.Contains(t, trend.Markdown(), "20 runs on here; 1 of other machines or plans are left out.")
	require.Contains(t, trend.Markdown(), "|allocs@put|20|72.1|allocations/op|2026-01-13|m|store: a\\|b|+2.85 %|0.00500|")
	require.Contains(t, trend.Markdown(), "|fsyncs_per_write@put|20|1.00|syncs/write|none|||||")

	short, err := NewTrend(history, 8)
	require.NoError(t, err)
	require.Len(t, short.Entries, 8)
	require.Empty(t, short.Series[0].Steps, "the step is before the newest eight")
	_, err = NewTrend(nil, 0)
	require.ErrorIs(t, err, ErrHistory)
}
