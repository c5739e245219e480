package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/variants"
)

// codecTiming is one measured operation of one codec: what metabench reads.
type codecTiming struct {
	Codec      string    `json:"codec"`
	Operation  string    `json:"operation"` // "encode" or "decode"
	KeyBytes   int       `json:"key_bytes"`
	ValueBytes int       `json:"value_bytes"`
	EntryBytes int       `json:"entry_bytes"` // of the log entry, header included
	Allocs     float64   `json:"allocs"`      // heap allocations per operation
	NS         []float64 `json:"ns"`          // nanoseconds per operation, by repeat
}

// codecBench says what bench-codec measures.
type codecBench struct {
	keyBytes, valueBytes int
	repeats              int
	time                 time.Duration // of one repeat
}

func benchCodecCommand() *cobra.Command {
	var b codecBench
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench-codec",
		Short: "Time each codec: one put to a log entry, and back",
		Long: `Time each value of --codec on one core: encoding a put into a log entry of its
own, and decoding that entry. metabench takes these times as the ceiling of what
the codec allows.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.validate(); err != nil {
				return err
			}
			timings, err := b.run(variants.Codecs())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(timings)
			}
			return writeCodecTimings(cmd.OutOrStdout(), timings)
		},
	}
	f := cmd.Flags()
	f.IntVar(&b.keyBytes, "key-bytes", 8, "length of the key")
	f.IntVar(&b.valueBytes, "value-bytes", 256, "length of the value")
	f.IntVar(&b.repeats, "repeats", 5, "times that each operation is measured")
	f.DurationVar(&b.time, "time", 50*time.Millisecond, "length of one repeat")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (b codecBench) validate() error {
	const most = 1 << 30
	switch {
	case b.keyBytes < 1 || b.keyBytes > most:
		return fmt.Errorf("--key-bytes is %d; accepted: 1 to %d", b.keyBytes, most)
	case b.valueBytes < 0 || b.valueBytes > most:
		return fmt.Errorf("--value-bytes is %d; accepted: 0 to %d", b.valueBytes, most)
	case b.repeats < 1:
		return fmt.Errorf("--repeats is %d; accepted: 1 or more", b.repeats)
	case b.time <= 0:
		return fmt.Errorf("--time is %v; accepted: above 0", b.time)
	}
	return nil
}

// run measures every codec, encoding first. The operations are those of a
// proposal of one command: bytes are reused between operations as the store
// reuses them, decoded commands are not.
func (b codecBench) run(codecs []codec.Codec) ([]codecTiming, error) {
	put := &kv.PutRequest{Key: bytes.Repeat([]byte{'k'}, b.keyBytes), Value: bytes.Repeat([]byte{0xfe}, b.valueBytes)}
	cmd := &kv.Command{Put: put}
	var timings []codecTiming
	for _, c := range codecs {
		var command, entry []byte
		encode := func() (err error) {
			if command, err = c.AppendCommand(command[:0], cmd); err == nil {
				entry = codec.AppendEntry(entry[:0], c, codec.ProposalID{}, [][]byte{command})
			}
			return err
		}
		decoder := codec.NewDecoder(c)
		var cmds []*kv.Command
		decode := func() (err error) {
			_, cmds, err = decoder.Decode(cmds[:0], entry)
			return err
		}
		for _, op := range []struct {
			name string
			do   func() error
		}{{"encode", encode}, {"decode", decode}} {
			t := codecTiming{Codec: c.Name(), Operation: op.name, KeyBytes: b.keyBytes, ValueBytes: b.valueBytes}
			if err := b.measure(&t, op.do); err != nil {
				return nil, fmt.Errorf("%s with codec %s: %w", op.name, c.Name(), err)
			}
			t.EntryBytes = len(entry)
			timings = append(timings, t)
		}
	}
	return timings, nil
}

// measure doubles the number of operations until they take half of a repeat,
// which also warms up, and then takes the repeats.
func (b codecBench) measure(t *codecTiming, do func() error) error {
	n := 1
	for ; ; n *= 2 {
		took, err := timeOf(n, do)
		if err != nil {
			return err
		}
		if took >= b.time/2 {
			n = max(1, int(float64(n)*float64(b.time)/float64(took)))
			break
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range b.repeats {
		took, err := timeOf(n, do)
		if err != nil {
			return err
		}
		t.NS = append(t.NS, float64(took.Nanoseconds())/float64(n))
	}
	runtime.ReadMemStats(&after)
	t.Allocs = float64(after.Mallocs-before.Mallocs) / float64(n*b.repeats)
	return nil
}

func timeOf(n int, do func() error) (time.Duration, error) {
	start := time.Now()
	for range n {
		if err := do(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func writeCodecTimings(w io.Writer, timings []codecTiming) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "codec\toperation\tns/op, least\tmost\tn\tentry bytes\tallocs/op\t\n")
	for _, c := range timings {
		least, most := c.NS[0], c.NS[0]
		for _, ns := range c.NS {
			least, most = min(least, ns), max(most, ns)
		}
		fmt.Fprintf(t, "%s\t%s\t%.0f\t%.0f\t%d\t%d\t%.1f\t\n", c.Codec, c.Operation, least, most, len(c.NS), c.EntryBytes, c.Allocs)
	}
	return t.Flush()
}
