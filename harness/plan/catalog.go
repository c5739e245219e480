package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/record"
)

// Catalog holds the axes that the store offers, in its own order: what
// `metastore variants --json` prints.
type Catalog []Axis

// Axis is one seam of the store with its named values.
type Axis struct {
	Name   string  `json:"axis"`
	Seam   string  `json:"seam"`
	Values []Value `json:"values"`
}

// Value is one value of an axis.
type Value struct {
	Name     string `json:"name"`
	Baseline bool   `json:"baseline"`
	// Available is false if this build or machine lacks it; Reason says why.
	Available bool   `json:"available"`
	Reason    string `json:"reason"`
	Doc       string `json:"doc"`
}

// AxisEngine and AxisDisk have their own places in a cell's id. The disk is a
// factor of the environment, so a store need not list it among its variants.
const (
	AxisEngine = "engine"
	AxisDisk   = "disk"
)

// diskNative is AxisDisk's value for no added delay.
const diskNative = "native"

// AxisArm tells copies of one cell apart, for comparing a variant with itself
// (A/A). It is a name only: no target is told of it.
const AxisArm = "arm"

var armAxis = Axis{Name: AxisArm, Seam: "none: a second name for the same options", Values: []Value{
	{Name: "a", Baseline: true, Available: true, Doc: "the first copy"},
	{Name: "b", Available: true, Doc: "the second copy"},
}}

// diskAxis is what every store accepts as --disk.
var diskAxis = Axis{Name: AxisDisk, Seam: "device profile", Values: []Value{
	{Name: diskNative, Baseline: true, Available: true, Doc: "no added delay"},
	{Name: "1ms", Available: true, Doc: "1 ms added to each sync"},
	{Name: "plan", Available: true, Doc: "2 to 5 ms added to each sync, uniform, seeded"},
}}

// AxisStageSample makes the store trace the stages of one write in so many. It
// is part of the environment, and stands in a cell's id only where it is on.
const AxisStageSample = "stage-sample"

// stageOff is AxisStageSample's value for no trace.
const stageOff = "0"

// stageAxis offers a few of the values that the store accepts.
var stageAxis = Axis{Name: AxisStageSample, Seam: "stage trace", Values: []Value{
	{Name: stageOff, Baseline: true, Available: true, Doc: "no stage is traced"},
	{Name: "1", Available: true, Doc: "every write is traced"},
	{Name: "16", Available: true, Doc: "one write in 16 is traced"},
	{Name: "64", Available: true, Doc: "one write in 64 is traced"},
	{Name: "256", Available: true, Doc: "one write in 256 is traced"},
}}

// AxisLinger is how long a sync of --wal=group or async waits for more entries.
const AxisLinger = "wal-linger"

// lingerAxis offers a few of the values that the store accepts.
var lingerAxis = Axis{Name: AxisLinger, Seam: "when a log that is written in the background is synced", Values: []Value{
	{Name: "0s", Baseline: true, Available: true, Doc: "a sync begins when the one before has ended"},
	{Name: "500us", Available: true, Doc: "a sync waits 500 us for more entries"},
	{Name: "1ms", Available: true, Doc: "a sync waits 1 ms for more entries"},
	{Name: "2ms", Available: true, Doc: "a sync waits 2 ms for more entries"},
	{Name: "5ms", Available: true, Doc: "a sync waits 5 ms for more entries"},
}}

// AxisMembers is how many members a target's cluster has, each a process on this
// machine. It is part of the environment, and stands in a cell's id where there
// is more than one.
const AxisMembers = "members"

// oneMember is AxisMembers' value for no cluster.
const oneMember = "1"

var membersAxis = Axis{Name: AxisMembers, Seam: "cluster size", Values: []Value{
	{Name: oneMember, Baseline: true, Available: true, Doc: "one member"},
	{Name: "3", Available: true, Doc: "three members: a write needs two"},
	{Name: "5", Available: true, Doc: "five members: a write needs three"},
}}

// AxisLinkDelay is the one-way delay between the members of a cluster; a single
// member has no links. It is part of the environment, and stands in a cell's id
// where there is any.
const AxisLinkDelay = "link-delay"

// noDelay is AxisLinkDelay's value for none.
const noDelay = "0s"

// linkAxis offers a few of the values that the store accepts.
var linkAxis = Axis{Name: AxisLinkDelay, Seam: "one-way delay between members", Values: []Value{
	{Name: noDelay, Baseline: true, Available: true, Doc: "no added delay"},
	{Name: "1ms", Available: true, Doc: "1 ms each way: another site in the same city"},
	{Name: "10ms", Available: true, Doc: "10 ms each way: another region"},
}}

// AxisStall makes the no-op server answer nothing for a while, once: a fault
// that is planted to test the measurement. Other targets cannot be told to.
const AxisStall = "stall"

var stallAxis = Axis{Name: AxisStall, Seam: "planted fault", Values: []Value{
	{Name: "0s", Baseline: true, Available: true, Doc: "none"},
	{Name: "200ms", Available: true, Doc: "no answer for 200 ms, once"},
}}

// AxisAPI is how the client sends operations. It decides for the workloads of its
// cells that go over gRPC; batch_ops is the size of their batches.
const (
	AxisAPI   = "api"
	apiUnary  = "unary"
	apiBatch  = "batch"
	apiStream = "stream"
)

var apiAxis = Axis{Name: AxisAPI, Seam: "how the client sends operations", Values: []Value{
	{Name: apiUnary, Baseline: true, Available: true, Doc: "one operation in a call of etcd's KV service"},
	{Name: apiBatch, Available: true, Doc: "the workload's batch_ops operations in a call of the store's own service (P2.3)"},
	{Name: apiStream, Available: true, Doc: "one operation of each client in flight on streams of the store's own service, one for each connection"},
}}

// AxisConns is how many connections the client has. It decides for the workloads
// of its cells.
const AxisConns = "conns"

// connsAxis offers a few of the numbers that a client can have.
var connsAxis = Axis{Name: AxisConns, Seam: "connections of the client", Values: []Value{
	{Name: "1", Baseline: true, Available: true, Doc: "all clients share one connection"},
	{Name: "8", Available: true, Doc: "a pool of 8 connections, each operation on the least loaded one (P3.3)"},
}}

// AxisClient is what makes the calls. It decides for the workloads of its cells whose
// operations are single calls.
const AxisClient = "client"

var clientAxis = Axis{Name: AxisClient, Seam: "what makes single calls", Values: []Value{
	{Name: record.ClientGRPC, Baseline: true, Available: true, Doc: "grpc-go's client, as users have it"},
	{Name: record.ClientLean, Available: true, Doc: "the harness's own, which costs the generator a fraction"},
}}

// AxisContend is whether clients contend for a few keys when a trial's window is
// over, which is what linearizability is checked on. It stands in a cell's id only
// where a group varies it: every other trial has it on.
const AxisContend = record.OptionContend

var contendAxis = Axis{Name: AxisContend, Seam: "contended keys", Values: []Value{
	{Name: "on", Baseline: true, Available: true, Doc: "clients contend for a few keys after the measured window"},
	{Name: record.ContendOff, Available: true, Doc: "they do not, and linearizability is not checked: what the check costs"},
}}

// ReadCatalog decodes the output of `metastore variants --json`. Fields that
// this program does not know are ignored; axes without values are refused.
func ReadCatalog(r io.Reader) (Catalog, error) {
	var c Catalog
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return nil, fmt.Errorf("read the store's variants: %w", err)
	}
	for _, a := range c {
		if a.Name == "" || len(a.Values) == 0 {
			return nil, fmt.Errorf("read the store's variants: axis %q has %d values", a.Name, len(a.Values))
		}
	}
	for _, extra := range []Axis{diskAxis, stageAxis, lingerAxis, membersAxis, linkAxis, armAxis, stallAxis, apiAxis, connsAxis, clientAxis, contendAxis} {
		if c.axis(extra.Name) == nil {
			c = append(c, extra)
		}
	}
	return c, nil
}

// axis returns the axis of this name, or nil.
func (c Catalog) axis(name string) *Axis {
	i := slices.IndexFunc(c, func(a Axis) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &c[i]
}

func (c Catalog) names() string {
	names := make([]string, len(c))
	for i, a := range c {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}

func (a *Axis) value(name string) *Value {
	i := slices.IndexFunc(a.Values, func(v Value) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &a.Values[i]
}

func (a *Axis) names() string {
	names := make([]string, len(a.Values))
	for i, v := range a.Values {
		names[i] = v.Name
	}
	return strings.Join(names, ", ")
}

// check says what is wrong with a value on an axis, or "". An empty catalog
// accepts everything.
func (c Catalog) check(axis, value string) string {
	if len(c) == 0 {
		return ""
	}
	a := c.axis(axis)
	if a == nil {
		return fmt.Sprintf("unknown axis %q; accepted: %s", axis, c.names())
	}
	if a.value(value) == nil {
		return fmt.Sprintf("unknown value %q of axis %s; accepted: %s", value, axis, a.names())
	}
	return ""
}

// Check says what is wrong with options: an unknown axis or value, or one that
// this build lacks. An empty catalog accepts everything.
func (c Catalog) Check(options map[string]string) error {
	for _, axis := range slices.Sorted(maps.Keys(options)) {
		if text := c.check(axis, options[axis]); text != "" {
			return errors.New(text)
		}
	}
	if text := c.Unavailable(options); text != "" {
		return errors.New(text)
	}
	return nil
}

// Baseline returns the baseline's value of every axis of the store, in a fresh
// map, and that of the disk: of an axis that names none, its first. The plan's
// own axes are left out.
func (c Catalog) Baseline() map[string]string {
	options := make(map[string]string, len(c))
	for _, a := range c {
		if slices.Contains([]string{AxisArm, AxisStageSample, AxisLinger, AxisMembers, AxisLinkDelay, AxisStall, AxisAPI, AxisConns, AxisClient, AxisContend}, a.Name) {
			continue
		}
		i := max(0, slices.IndexFunc(a.Values, func(v Value) bool { return v.Baseline }))
		options[a.Name] = a.Values[i].Name
	}
	return options
}

// Unavailable returns why options cannot run with this build, or "" if they
// can, naming the first axis (in the catalog's order) whose value is missing.
func (c Catalog) Unavailable(options map[string]string) string {
	for i := range c {
		v := c[i].value(options[c[i].Name])
		if v == nil || v.Available {
			continue
		}
		if v.Reason != "" {
			return v.Reason
		}
		return fmt.Sprintf("--%s %s is not in this build", c[i].Name, v.Name)
	}
	return ""
}
