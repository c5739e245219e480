package gate

import (
	"fmt"
	"strings"

	"metastorebench/harness/record"
)

// CheckBaseline returns ErrBaseline, naming every difference, unless the stored
// run may stand in for base in a run with this manifest: made by the gate, on the
// same machine and toolchain, with the same loads and rules.
func CheckBaseline(stored record.Run, now record.Manifest) error {
	m := stored.Manifest
	if m.Gate == nil {
		return fmt.Errorf("%w: %s was made by plan %s, not by metabench gate", ErrBaseline, stored.Dir, m.Plan)
	}
	differ := m.Env.DiffersFrom(now.Env)
	for _, p := range []struct {
		name string
		a, b any
	}{
		{"Go", m.Env.GoVersion, now.Env.GoVersion},
		{"plan", m.Plan, now.Plan}, {"level", m.Level, now.Level}, {"seed", m.Seed, now.Seed},
	} {
		if p.a != p.b {
			differ = append(differ, fmt.Sprintf("%s %v and %v", p.name, p.a, p.b))
		}
	}
	if m.PlanYAML != now.PlanYAML {
		differ = append(differ, "the text of the plan")
	}
	if m.Gate.Rules != now.Gate.Rules {
		differ = append(differ, "the text of the rules")
	}
	if len(differ) > 0 {
		return fmt.Errorf("%w: %s and this machine and plan differ in: %s", ErrBaseline, stored.Dir, strings.Join(differ, "; "))
	}
	return nil
}
