package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"

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
}

// arms builds base, head and head with each fault that the rules can use.
func (b *builder) arms(ctx context.Context, s sides) ([]benchrun.GateArm, error) {
	var arms []benchrun.GateArm
	if s.base != nil {
		tree, err := b.checkout(ctx, *s.base)
		if err != nil {
			return nil, err
		}
		base, err := b.build(ctx, *s.base, tree)
		if err != nil {
			return nil, err
		}
		arms = append(arms, base)
	}
	tree := b.repository.Root // as it is
	if s.head.Ref != "" {
		var err error
		if tree, err = b.checkout(ctx, s.head); err != nil {
			return nil, err
		}
	}
	head, err := b.build(ctx, s.head, tree)
	if err != nil {
		return nil, err
	}
	again := head
	again.Name = record.ArmAgain
	if b.power > 0 {
		base := head
		base.Name = record.ArmBase
		arms = append(arms, base)
	}
	arms = append(arms, head)
	if b.power == 0 {
		arms = append(arms, again)
	}
	plants, err := benchrun.GatePlants(ctx, head.Binary, b.options)
	if err != nil {
		return nil, err
	}
	for _, p := range plants {
		plant, err := revision.PlantNamed(p.Name)
		if err != nil {
			return nil, err
		}
		arm := s.head
		arm.Name, arm.Fault = record.ArmPlanted+p.Name, plant.Doc
		if slices.ContainsFunc(arms, func(a benchrun.GateArm) bool { return a.Name == arm.Name }) {
			continue // looked for by two gates
		}
		planted, err := b.build(ctx, arm, tree, plant)
		if err != nil {
			return nil, err
		}
		arms = append(arms, planted)
	}
	return arms, nil
}

func (b *builder) checkout(ctx context.Context, a record.Arm) (string, error) {
	return b.shop.Checkout(ctx, a.Name, a.Commit)
}

func (b *builder) build(ctx context.Context, a record.Arm, tree string, plants ...revision.Plant) (benchrun.GateArm, error) {
	arm := benchrun.GateArm{Arm: a, Binary: filepath.Join(b.shop.Dir(), "store-"+a.Name)}
	// An error of the writer is ignored: nobody could be told.
	_, _ = fmt.Fprintf(b.log, "building %s, %.12s\n", a.Name, a.Commit)
	err := b.shop.Make(ctx, revision.Build{
		Tree: tree, Out: arm.Binary, Log: filepath.Join(b.options.Out, "build-"+a.Name+".log"), Tags: b.tags, Plants: plants,
	})
	if err != nil {
		return arm, fmt.Errorf("%s, %.12s: %w", a.Name, a.Commit, err)
	}
	arm.SHA256, err = record.FileHash(arm.Binary)
	return arm, err
}
