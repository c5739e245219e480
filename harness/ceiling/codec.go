package ceiling

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"metastorebench/harness/record"
)

const (
	// codecShare is what a codec's repeat takes of any other probe's: there are
	// many of them, and they are steady.
	codecShare = 4
	// codecTimeout bounds the store's probe: seconds in practice.
	codecTimeout = time.Minute
)

// codecTiming is one line of what `metastore bench-codec --json` prints.
type codecTiming struct {
	Codec      string    `json:"codec"`
	Operation  string    `json:"operation"`
	EntryBytes int       `json:"entry_bytes"`
	Allocs     float64   `json:"allocs"`
	NS         []float64 `json:"ns"`
}

// codecNames are the probes by the store's name of the operation.
var codecNames = map[string]string{"encode": record.ProbeCodecEncode, "decode": record.ProbeCodecDecode}

// codec has the store time its codecs with a key and value of these sizes.
func (p *prober) codec(ctx context.Context, keyBytes, valueBytes int) error {
	timings, err := p.benchCodec(ctx, keyBytes, valueBytes)
	if err != nil {
		return fmt.Errorf("%w: %s bench-codec: %w", ErrStore, p.Metastore, err)
	}
	for _, t := range timings {
		name, known := codecNames[t.Operation]
		if !known || len(t.NS) == 0 {
			return fmt.Errorf("%w: %s bench-codec: operation %q with %d samples, want encode or decode with 1 or more", ErrStore, p.Metastore, t.Operation, len(t.NS))
		}
		p.add(record.Probe{Name: name, Unit: record.UnitNS, Samples: t.NS, Params: map[string]string{
			record.ParamCodec: t.Codec, record.ParamKeyBytes: strconv.Itoa(keyBytes), record.ParamValueBytes: strconv.Itoa(valueBytes),
			record.ParamEntryBytes: strconv.Itoa(t.EntryBytes), record.ParamAllocs: strconv.FormatFloat(t.Allocs, 'f', 1, 64),
		}})
	}
	return nil
}

func (p *prober) benchCodec(ctx context.Context, keyBytes, valueBytes int) ([]codecTiming, error) {
	limited, cancel := context.WithTimeout(ctx, codecTimeout)
	defer cancel()
	out, err := exec.CommandContext(limited, p.Metastore, "bench-codec", "--json",
		"--key-bytes="+strconv.Itoa(keyBytes), "--value-bytes="+strconv.Itoa(valueBytes),
		"--repeats="+strconv.Itoa(p.Effort.Repeats), "--time="+(p.Effort.Each/codecShare).String()).Output()
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return nil, err
	}
	var timings []codecTiming
	err = json.Unmarshal(out, &timings)
	return timings, err
}
