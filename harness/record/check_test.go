package record

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnchecked(t *testing.T) {
	trial := Trial{Checks: []Check{
		{Name: "answers", OK: true, Detail: "fine"},
		{Name: "linearizable", State: CheckTooFew, Detail: "3 operations"},
		{Name: "end-state", Detail: "differs"},
		{Name: "replicas", State: CheckOff, Detail: "contend=off"},
	}}
	require.Equal(t, []Check{trial.Checks[1], trial.Checks[3]}, trial.Unchecked())
	void := trial
	void.Void = "end-state"
	require.Equal(t, []string{
		"linearizable is too few in 2 of 3 trials, first in , block 0: 3 operations",
		"replicas is off in 2 of 3 trials, first in , block 0: contend=off",
	}, Unchecked([]Trial{trial, void, trial}))
	require.Empty(t, Unchecked([]Trial{void}))
	var failed []string
	for _, c := range trial.Checks {
		if c.Failed() {
			failed = append(failed, c.Name)
		}
	}
	require.Equal(t, []string{"end-state"}, failed)
}

// A record from before states were kept reads as it did.
func TestChecksOfOldRecords(t *testing.T) {
	line := `{"schema":1,"cell":"a","block":0,"order":0,"seed":1,"measure_ns":1,"durability":"synced","checks":[{"name":"answers","ok":true,"detail":""},{"name":"applied","ok":false,"detail":""}%s]}`
	trial, err := DecodeTrial([]byte(fmt.Sprintf(line, "")))
	require.NoError(t, err)
	require.Equal(t, []bool{false, true}, []bool{trial.Checks[0].Failed(), trial.Checks[1].Failed()})
	require.Empty(t, trial.Unchecked())
	text, err := json.Marshal(trial.Checks[1])
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"applied","ok":false,"detail":""}`, string(text))

	for _, bad := range []string{`"ok":true,"state":"undecided"`, `"ok":false,"state":"perhaps"`} {
		_, err = DecodeTrial([]byte(fmt.Sprintf(line, `,{"name":"x",`+bad+`,"detail":""}`)))
		require.ErrorIs(t, err, ErrDamaged)
	}
}
