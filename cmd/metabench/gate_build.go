package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"metastorebench/harness/gate"
	"metastorebench/harness/record"
	"metastorebench/harness/revision"
	benchrun "metastorebench/harness/run"
)

// sides are the two revisions of a gate; base is nil where a stored run stands in
// for it.
type sides struct {
	base *record.Arm
	head record.Arm
}

// resolve finds out what is to be compared, and what commits accept.
func (f *gateFlags) resolve(ctx context.Context, r revision.Repository) (s sides, err error) {
	s.head = record.Arm{Name: record.ArmHead, Ref: f.head}
	if s.head.Commit, err = r.Resolve(ctx, cmp.Or(f.head, "HEAD")); err != nil {
		return s, err
	}
	if f.head == "" {
		files, err := r.Changed(ctx)
		if err != nil {
			return s, err
		}
		if s.head.Dirty = len(files) > 0; s.head.Dirty {
			f.options.Changes = []record.Change{{Files: files}}
		}
	}
	if s.head.Subject, err = r.Subject(ctx, s.head.Commit); err != nil || f.base == "" {
		return s, err
	}
	base := record.Arm{Name: record.ArmBase, Ref: f.base}
	if base.Commit, err = r.Resolve(ctx, f.base); err != nil {
		return s, err
	}
	if f.mergeBase {
		if base.Commit, err = r.MergeBase(ctx, base.Commit, s.head.Commit); err != nil {
			return s, err
		}
	}
	if base.Subject, err = r.Subject(ctx, base.Commit); err != nil {
		return s, err
	}
	s.base = &base
	commits, err := r.Between(ctx, base.Commit, s.head.Commit)
	if err != nil {
		return s, err
	}
	for _, c := range commits {
		accepted, err := gate.ParseTrailers(c.Hash, c.Message)
		if err != nil {
			return s, err
		}
		f.options.Accepted = append(f.options.Accepted, accepted...)
		f.options.Changes = append(f.options.Changes, record.Change{Commit: c.Hash, Subject: c.Subject, Files: c.Files})
	}
	return s, nil
}

// builder makes the arms' binaries.
type builder struct {
	*gateFlags
	repository revision.Repository
	shop       *revision.Workshop
	headTree   string // head's sources
}

// arms builds base in two layouts, head, and head with the hooks for planted faults:
// one build for all the faults that the rules can use.
func (b *builder) arms(ctx context.Context, s sides) ([]benchrun.GateArm, error) {
	var arms []benchrun.GateArm
	if s.base != nil {
		tree, err := b.checkout(ctx, *s.base)
		if err != nil {
			return nil, err
		}
		base, err := b.build(ctx, *s.base, revision.Build{Tree: tree})
		if err != nil {
			return nil, err
		}
		placebo, err := b.relay(ctx, base.Arm, record.ArmPlacebo, tree, b.seed)
		if err != nil {
			return nil, err
		}
		arms = append(arms, base, placebo)
	}
	b.headTree = b.repository.Root // as it is
	if s.head.Ref != "" {
		var err error
		if b.headTree, err = b.checkout(ctx, s.head); err != nil {
			return nil, err
		}
	}
	head, err := b.build(ctx, s.head, revision.Build{Tree: b.headTree})
	if err != nil {
		return nil, err
	}
	if b.power > 0 { // the study's runs add its other layouts
		arms = append(arms, named(head, record.ArmBase), head)
	} else {
		arms = append(arms, head, named(head, record.ArmAgain))
	}
	planted, err := b.planted(ctx, s.head, head.Binary)
	return append(arms, planted...), err
}

// planted builds head with the hooks, as an arm for each fault that the rules can
// use. The run sizes the faults.
func (b *builder) planted(ctx context.Context, head record.Arm, binary string) ([]benchrun.GateArm, error) {
	plants, err := benchrun.GatePlants(ctx, binary, b.options)
	if err != nil || len(plants) == 0 {
		return nil, err
	}
	head.Name = "planted"
	build, err := b.build(ctx, head, revision.Build{Tree: b.headTree, Planted: true})
	if err != nil {
		return nil, err
	}
	var arms []benchrun.GateArm
	for _, p := range plants {
		arms = append(arms, named(build, record.ArmPlanted+p.Name))
	}
	return arms, nil
}

// relay builds a revision with its functions in another order, by seed.
func (b *builder) relay(ctx context.Context, a record.Arm, name, tree string, seed uint64) (benchrun.GateArm, error) {
	a.Name, a.Layout = name, max(1, seed&0x7fffffff) // what the linker takes; 0 is the usual order
	return b.build(ctx, a, revision.Build{Tree: tree, Layout: a.Layout})
}

// named is the same build as another arm.
func named(a benchrun.GateArm, name string) benchrun.GateArm {
	a.Name = name
	return a
}

func (b *builder) checkout(ctx context.Context, a record.Arm) (string, error) {
	return b.shop.Checkout(ctx, a.Name, a.Commit)
}

func (b *builder) build(ctx context.Context, a record.Arm, build revision.Build) (benchrun.GateArm, error) {
	arm := benchrun.GateArm{Arm: a, Binary: filepath.Join(b.shop.Dir(), "store-"+a.Name)}
	// An error of the writer is ignored: nobody could be told.
	_, _ = fmt.Fprintf(b.log, "building %s, %.12s\n", a.Name, a.Commit)
	build.Out, build.Log, build.Tags = arm.Binary, filepath.Join(b.options.Out, "build-"+a.Name+".log"), b.tags
	err := b.shop.Make(ctx, build)
	if err != nil {
		return arm, fmt.Errorf("%s, %.12s: %w", a.Name, a.Commit, err)
	}
	arm.SHA256, err = record.FileHash(arm.Binary)
	return arm, err
}
