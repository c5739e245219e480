package variants

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/codec"
	"metastorebench/core/engine"
	"metastorebench/core/engine/lsm"
	"metastorebench/core/node"
	"metastorebench/variants/disk"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/engine/pebble"
	"metastorebench/variants/engine/rocksdb"
)

// Codecs returns every codec of the axis, in the order of their tags.
func Codecs() []codec.Codec {
	return slices.SortedFunc(maps.Values(codecs), func(a, b codec.Codec) int { return cmp.Compare(a.Tag(), b.Tag()) })
}

// Apply validates the selection and sets the parts of a node that it chooses.
// seed makes the device profile's delays repeatable. o.FS and o.Metrics must be
// set before; o.FS must be the operating system's for --engine=rocksdb, which
// does its own file access.
func (s Selection) Apply(o *node.Options, seed uint64) error {
	if err := s.Validate(); err != nil {
		return err
	}
	wrap, err := disk.Profile(s["disk"], seed)
	if err != nil {
		return err
	}
	policy, err := syncPolicy(s["wal"])
	if err != nil {
		return err
	}
	o.LogFS = wrap(o.FS)
	o.Sync = policy
	o.Propose = proposePolicies[s["propose"]]
	o.Apply = applyPolicies[s["apply"]]
	o.Codec = codecs[s["codec"]]
	o.Codecs = Codecs()
	o.Pipeline = pipelinePolicy(s["pipeline"])
	o.Pool = s.Pool()
	o.Reads = readPolicies[s["read"]]
	o.EngineName = s["engine"]
	o.OpenEngine = s.engine(o)
	return nil
}

// Pool reports whether --pool is on. The services are told of it by themselves.
func (s Selection) Pool() bool { return s["pool"] == "on" }

// engine returns the function that opens the chosen engine.
func (s Selection) engine(o *node.Options) func(dir string) (engine.Engine, error) {
	fs, onLockWait := cmp.Or[vfs.FS](o.FS, vfs.Default), o.Metrics.LockWaited
	opts := func() lsm.Options { // the node's logger may be set later
		return lsm.Options{Profile: lsm.Profile(s["engine-profile"]), NewKeyIndex: keyIndexes[s["key-index"]], Logger: o.Logger}
	}
	switch s["engine"] {
	case "pebble":
		return func(dir string) (engine.Engine, error) { return pebble.Open(fs, dir, opts()) }
	case "rocksdb":
		return func(dir string) (engine.Engine, error) { return rocksdb.Open(dir, opts()) }
	}
	newIndex := indexes[s["index"]]
	return func(string) (engine.Engine, error) { return memory.New(newIndex(onLockWait)), nil }
}

// EngineSettings says in one line what --engine-profile makes of the library's
// settings on this machine; "" if they are the library's own. The selection must
// be valid.
func (s Selection) EngineSettings() (string, error) {
	opts := lsm.Options{Profile: lsm.Profile(s["engine-profile"])}
	switch s["engine"] {
	case "pebble":
		return pebble.Settings(opts)
	case "rocksdb":
		return rocksdb.Settings(opts)
	}
	return "", nil
}
