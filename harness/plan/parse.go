package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"gopkg.in/yaml.v3"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// Plan is a validated plan. It is immutable.
type Plan struct {
	Name  string // e.g. "phase1"
	Title string
	Text  []byte // the YAML it was read from

	baseline, full []setting
	factors        []factor
	workloads      []load
	groups         []group
	levels         map[string]level
	levelNames     []string // in the file's order

	asked      Asked // views, rungs and claims, as they were read
	claimsFrom claimsFile
	uses       []use // what they name
}

// factor is an item that designs switch on: a value on an axis, and those of
// other axes that go with it, on and off together.
type factor struct {
	id          string
	axis, value string
	with        []setting
	line        int
}

// settings are the values of the item, that of its own axis first.
func (fa factor) settings() []setting {
	return append([]setting{{fa.axis, fa.value, fa.line}}, fa.with...)
}

// load is a workload with its line. A broken one could not be read in full, so
// that its values mean nothing.
type load struct {
	record.Workload
	line   int
	broken bool
}

type group struct {
	name, doc, target string
	designs           []named
	factors           []named // those of the plan that its designs switch on; none: all
	set               []setting
	vary              []variation
	workloads         []named
	cells             [][]setting
	line              int
}

// variation is an axis with the values it takes in turn.
type variation struct {
	axis   string
	values []named
	line   int
}

type level struct {
	blocks          int
	warmup, measure time.Duration
	groups          []override
	line            int
}

// override is what a level changes of one group; zero values change nothing.
type override struct {
	group           string
	omit            bool
	designs         []named
	vary            []variation // axes of the group's own vary, with fewer values
	workloads       []named     // some of the group's own
	warmup, measure time.Duration
	line            int
}

// Parse reads and checks a plan; file names it in messages, and is where a path of
// `claims:` starts from. With a catalog, axes and values are checked against what the
// store offers. Every violation is reported: the error is Violations.
func Parse(file string, text []byte, catalog Catalog) (*Plan, error) {
	return parse(&faults{file: file, claims: readClaimsFile}, text, catalog)
}

// ParseRecorded is Parse for the plan that a run's manifest keeps, with the claims that
// it keeps.
func ParseRecorded(m record.Manifest, catalog Catalog) (*Plan, error) {
	return parse(&faults{file: recordedPlan, claims: recordedClaims(m)}, []byte(m.PlanYAML), catalog)
}

func parse(f *faults, text []byte, catalog Catalog) (*Plan, error) {
	root, err := f.document(text)
	if err != nil {
		return nil, err
	}
	if root == nil {
		f.add(1, "the plan is empty")
		return nil, f.err()
	}
	p := &Plan{Text: text, levels: make(map[string]level)}
	p.read(f, root)
	p.check(f, catalog)
	if err := f.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// document is the root of a YAML text, nil of an empty one. A second document in it is a
// violation: nothing would read it. The error is that of a text that is no YAML.
func (f *faults) document(text []byte) (*yaml.Node, error) {
	var first, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", f.file, ErrInvalid, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		f.add(second.Line, "a second YAML document begins here; accepted: one in a file")
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: %w: %w", f.file, ErrInvalid, err)
	}
	return resolve(first.Content[0]), nil
}

func (p *Plan) read(f *faults, root *yaml.Node) {
	f.mapping(root, "the plan", append([]field{
		{"name", true, f.text("name", &p.Name)},
		{"title", true, f.text("title", &p.Title)},
		{"baseline", true, f.settings("baseline", &p.baseline)},
		{"full", false, f.settings("full", &p.full)},
		{"factors", false, func(n *yaml.Node) { p.readFactors(f, n) }},
		{"workloads", true, func(n *yaml.Node) { p.readWorkloads(f, n) }},
		{"groups", true, func(n *yaml.Node) { p.readGroups(f, n) }},
		{"levels", true, func(n *yaml.Node) { p.readLevels(f, n) }},
	}, p.askedFields(f)...))
}

func (p *Plan) readFactors(f *faults, n *yaml.Node) {
	for _, item := range f.items(n, "factors") {
		fa := factor{line: item.Line}
		f.mapping(item, "factor", []field{
			{"id", true, f.text("factor's id", &fa.id)},
			{"axis", true, f.text("factor's axis", &fa.axis)},
			{"value", true, f.text("factor's value", &fa.value)},
			{"with", false, f.settings("factor's with", &fa.with)},
		})
		p.factors = append(p.factors, fa)
	}
}

func (p *Plan) readWorkloads(f *faults, n *yaml.Node) {
	for key, value := range f.pairs(n, "workloads") {
		what := "workload " + key.Value
		l := load{line: key.Line, Workload: record.Workload{
			Name: key.Value, Loop: record.LoopClosed, Conns: 1, Distribution: workload.Uniform, API: workload.APIGRPC,
		}}
		var limit int
		faultsBefore := len(f.list)
		f.mapping(value, what, []field{
			{"type", true, f.text(what+": type", &l.Type)},
			{"loop", false, f.text(what+": loop", &l.Loop)},
			{"arrivals", false, f.text(what+": arrivals", &l.Arrivals)},
			{"rate", false, f.number(what+": rate", &l.OfferedOpsPerSecond)},
			{"api", false, f.text(what+": api", &l.API)},
			{"client", false, f.text(what+": client", &l.Client)},
			{"batch_ops", false, f.integer(what+": batch_ops", &l.BatchOps)},
			{"operations", false, f.integer(what+": operations", &l.Operations)},
			{"clients", true, f.integer(what+": clients", &l.Clients)},
			{"conns", false, f.integer(what+": conns", &l.Conns)},
			{"key_bytes", true, f.integer(what+": key_bytes", &l.KeyBytes)},
			{"value_bytes", true, f.integer(what+": value_bytes", &l.ValueBytes)},
			{"keys", true, f.integer(what+": keys", &l.Keys)},
			{"distribution", false, f.text(what+": distribution", &l.Distribution)},
			{"zipf_theta", false, f.number(what+": zipf_theta", &l.ZipfTheta)},
			{"preload_keys", false, f.integer(what+": preload_keys", &l.PreloadKeys)},
			{"range_keys", false, f.integer(what+": range_keys", &l.RangeKeys)},
			{"range_limit", false, f.integer(what+": range_limit", &limit)},
			{"mix", false, func(n *yaml.Node) { l.Mix = readMix(f, n, what) }},
		})
		l.broken = len(f.list) > faultsBefore
		l.RangeLimit = int64(limit)
		if l.Loop == record.LoopOpen && l.Arrivals == "" {
			l.Arrivals = record.ArrivalsPoisson
		}
		if l.Client == "" && l.API != workload.APIHTTP {
			l.Client = record.ClientGRPC
		}
		if l.Mix == nil {
			l.Mix = workload.DefaultMix(l.Type)
		}
		p.workloads = append(p.workloads, l)
	}
}

func readMix(f *faults, n *yaml.Node, what string) map[string]float64 {
	mix := make(map[string]float64)
	for key, value := range f.pairs(n, what+": mix") {
		var share float64
		f.number(what+": mix: "+key.Value, &share)(value)
		mix[key.Value] = share
	}
	return mix
}

func (p *Plan) readGroups(f *faults, n *yaml.Node) {
	for _, item := range f.items(n, "groups") {
		g := group{target: TargetStore, line: item.Line}
		f.mapping(item, "group", []field{
			{"name", true, f.text("group's name", &g.name)},
			{"doc", false, f.text("group's doc", &g.doc)},
			{"target", false, f.text("group's target", &g.target)},
			{"designs", true, f.texts("designs", &g.designs)},
			{"factors", false, f.texts("factors of a group", &g.factors)},
			{"set", false, f.settings("set", &g.set)},
			{"vary", false, func(n *yaml.Node) { g.vary = readVary(f, n) }},
			{"workloads", true, f.texts("workloads", &g.workloads)},
			{"cells", false, func(n *yaml.Node) {
				for _, cell := range f.items(n, "cells") {
					var options []setting
					f.settings("cell", &options)(cell)
					g.cells = append(g.cells, options)
				}
			}},
		})
		p.groups = append(p.groups, g)
	}
}

func readVary(f *faults, n *yaml.Node) []variation {
	var vs []variation
	for key, value := range f.pairs(n, "vary") {
		v := variation{axis: key.Value, line: key.Line}
		f.texts("axis "+key.Value+" of vary", &v.values)(value)
		vs = append(vs, v)
	}
	return vs
}

func (p *Plan) readLevels(f *faults, n *yaml.Node) {
	for key, value := range f.pairs(n, "levels") {
		what := "level " + key.Value
		l := level{line: key.Line}
		f.mapping(value, what, []field{
			{"blocks", true, func(n *yaml.Node) {
				f.integer(what+": blocks", &l.blocks)(n)
				if l.blocks < 1 || l.blocks > maxBlocks {
					f.add(n.Line, "%s: blocks is %s; accepted: 1 to %d repeats", what, n.Value, maxBlocks)
				}
			}},
			{"warmup", true, f.duration(what+": warmup", &l.warmup)},
			{"measure", true, f.duration(what+": measure", &l.measure)},
			{"groups", false, func(n *yaml.Node) { l.groups = readOverrides(f, n, what) }},
		})
		p.levels[key.Value] = l
		p.levelNames = append(p.levelNames, key.Value)
	}
}

func readOverrides(f *faults, n *yaml.Node, what string) []override {
	var os []override
	for key, value := range f.pairs(n, what+": groups") {
		o := override{group: key.Value, line: key.Line}
		at := what + ": group " + key.Value
		f.mapping(value, at, []field{
			{"omit", false, f.flag(at+": omit", &o.omit)},
			{"designs", false, f.texts(at+": designs", &o.designs)},
			{"vary", false, func(n *yaml.Node) { o.vary = readVary(f, n) }},
			{"workloads", false, f.texts(at+": workloads", &o.workloads)},
			{"warmup", false, f.duration(at+": warmup", &o.warmup)},
			{"measure", false, f.duration(at+": measure", &o.measure)},
		})
		os = append(os, o)
	}
	return os
}
