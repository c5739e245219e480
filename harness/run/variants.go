package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/capacity"
	"metastorebench/harness/plan"
)

// VariantBaseline is the catalogue's baseline. A variant may be called by the name of a
// built-in plan as well: all of its items over the baseline.
const VariantBaseline = "baseline"

// Variants reads variants as a command line gives them: a name that is known, or
// NAME:axis=value,... over the baseline. environment (engine, disk) is part of
// the baseline. The store's binary is asked for its axes; values are checked.
func Variants(ctx context.Context, binary string, texts []string, environment map[string]string) ([]capacity.Variant, error) {
	j := job{Options: Options{Metastore: binary}}
	if err := j.readStore(ctx); err != nil {
		return nil, err
	}
	if j.storeHash == "" {
		return nil, noStore(binary)
	}
	base := j.catalog.Baseline()
	maps.Copy(base, environment)
	var out []capacity.Variant
	for _, text := range texts {
		v, err := parseVariant(text, base)
		if err != nil {
			return nil, err
		}
		if err := j.catalog.Check(v.Options); err != nil {
			return nil, fmt.Errorf("variant %s: %w", v.Name, err)
		}
		if api, given := v.Options[plan.AxisAPI]; given {
			return nil, fmt.Errorf("variant %s: axis %s is %s, but operations of an open loop are sent one by one; accepted: without it", v.Name, plan.AxisAPI, api)
		}
		out = append(out, v)
	}
	return out, nil
}

// parseVariant reads one variant over a base, which it does not change.
func parseVariant(text string, base map[string]string) (capacity.Variant, error) {
	name, settings, given := strings.Cut(text, ":")
	v := capacity.Variant{Name: name, Options: maps.Clone(base)}
	switch {
	case given:
	case name == VariantBaseline:
		return v, nil
	case slices.Contains(plan.Names(), name):
		p, err := plan.Load(name, nil)
		if err != nil {
			return v, err
		}
		maps.Copy(v.Options, p.ItemsOn())
		return v, nil
	default:
		return v, fmt.Errorf("variant %q: accepted: %s, the name of a plan for all of its items, or NAME:axis=value,... with values over the baseline's", text, VariantBaseline)
	}
	if name == "" || strings.ContainsAny(name, "/=, ") {
		return v, fmt.Errorf("variant %q: the name %q is part of cells' ids; accepted: not empty, without slash, comma, space and equals sign", text, name)
	}
	for _, s := range strings.Split(settings, ",") {
		axis, value, ok := strings.Cut(s, "=")
		if !ok {
			return v, fmt.Errorf("variant %q: %q; accepted: axis=value, with axes %s", text, s, strings.Join(slices.Sorted(maps.Keys(v.Options)), ", "))
		}
		v.Options[axis] = value
	}
	return v, nil
}
