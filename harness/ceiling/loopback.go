package ceiling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"metastorebench/harness/record"
)

const (
	// requestBytes and answerBytes are about what gRPC sends for the workloads'
	// put and its answer.
	requestBytes = 300
	answerBytes  = 40
	// transferBytes is sent in one piece for the bandwidth: large enough that
	// waiting for its answer costs little.
	transferBytes = 4 << 20
)

// loopback measures TCP to addr, the no-op server's raw port.
func (p *prober) loopback(ctx context.Context, addr string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // unblocks the probe
	err = p.loopbackProbes(ctx, conn)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if closed := conn.Close(); err == nil && closed != nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}

func (p *prober) loopbackProbes(ctx context.Context, conn net.Conn) error {
	latency, err := p.Effort.repeat(ctx, exchange(conn, requestBytes, answerBytes))
	if err != nil {
		return err
	}
	p.add(record.Probe{
		Name: record.ProbeLoopbackLatency, Unit: record.UnitNS, Samples: latency,
		Params: map[string]string{record.ParamBytes: strconv.Itoa(requestBytes)},
	})
	params := map[string]string{record.ParamBytes: strconv.Itoa(transferBytes)}
	return p.rate(ctx, record.ProbeLoopbackBandwidth, record.UnitBytes, transferBytes, params, exchange(conn, transferBytes, 1))
}

// exchange is one request and its answer at a time; a round is one of them.
func exchange(conn io.ReadWriter, length, answer int) task {
	req, resp := request(length, answer), make([]byte, answer)
	return func(_ context.Context, n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if _, err := conn.Write(req); err != nil {
				return 0, err
			}
			if _, err := io.ReadFull(conn, resp); err != nil {
				return 0, errors.Join(errEcho, err)
			}
		}
		return time.Since(start), nil
	}
}
