package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/gate"
	"metastorebench/harness/record"
	benchrun "metastorebench/harness/run"
)

// repeat makes the runs of a power study, each with a seed of its own and two layouts
// of head of its own: base's other one, and the one to be judged as head. Those that
// have ended stay if a later one fails or is interrupted: --report sums them up.
func (b *builder) repeat(ctx context.Context) error {
	f := b.gateFlags
	rules, err := gate.ParseRules([]byte(f.options.Rules))
	if err != nil {
		return err
	}
	head := f.options.Arms[slices.IndexFunc(f.options.Arms, func(a benchrun.GateArm) bool { return a.Name == record.ArmHead })]
	for i := range f.power {
		o, seed := f.options, f.seed+uint64(i)
		o.Seed, o.Out, o.Arms, o.Began = &seed, gate.PowerRunDir(f.options.Out, i+1), armsOf(f.options.Arms, rules.Power, i), time.Now()
		// An error of the writer is ignored: nobody could be told.
		_, _ = fmt.Fprintf(f.log, "power study: run %d of %d\n", i+1, f.power)
		for k, name := range []string{record.ArmPlacebo, record.ArmRelaid} {
			arm, err := b.relay(ctx, head.Arm, name, b.headTree, 2*seed+uint64(k))
			if err != nil {
				return err
			}
			o.Arms = append(o.Arms, arm)
		}
		if _, err := benchrun.Gate(ctx, o); err != nil {
			return fmt.Errorf("run %d of %d: %w", i+1, f.power, err)
		}
	}
	return nil
}

// armsOf are the arms of the i-th run, from 0: without the faults that it is not to
// have.
func armsOf(arms []benchrun.GateArm, faults []gate.Plant, i int) []benchrun.GateArm {
	return slices.DeleteFunc(slices.Clone(arms), func(a benchrun.GateArm) bool {
		name, planted := strings.CutPrefix(a.Name, record.ArmPlanted)
		return planted && !slices.ContainsFunc(faults, func(p gate.Plant) bool { return p.Name == name && p.In(i) })
	})
}

// concludePower writes what the power study in dir came to.
func concludePower(w io.Writer, dir string) error {
	p, err := gate.ReadPower(dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "power.md"), []byte(p.Markdown()), 0o644); err != nil {
		return fmt.Errorf("write the power study: %w", err)
	}
	if err := saveFigures(dir, p.Figure()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\nResults: %s\n", p.Text(lineWidth(w)), dir)
	return err
}
