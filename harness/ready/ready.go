// Package ready is the one line by which a program that the harness has started
// says that it serves, and where:
//
//	ready {"client":"127.0.0.1:41001","http":"127.0.0.1:41002","peer":"","pid":123,"durability":"synced","options":{"propose":"batch"}}
//
// It is the first line on standard output. Logs go to standard error.
package ready

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
)

// ErrFormat says that a line is not a ready line.
var ErrFormat = errors.New("not a ready line")

var prefix = []byte("ready ")

// Line is what the program says of itself.
type Line struct {
	Client     string            `json:"client"`         // host:port of the gRPC service
	HTTP       string            `json:"http"`           // host:port of /metrics and the gateway; may be empty
	Peer       string            `json:"peer"`           // host:port for peers; may be empty
	Echo       string            `json:"echo,omitempty"` // host:port of the no-op server's raw TCP service
	PID        int               `json:"pid"`            // its process id
	Durability string            `json:"durability"`     // one of record's tiers
	Options    map[string]string `json:"options"`        // axis values after defaults
}

// Parse reads a line, with or without its line end. The error wraps ErrFormat.
func Parse(line []byte) (Line, error) {
	body, ok := bytes.CutPrefix(line, prefix)
	if !ok {
		return Line{}, fmt.Errorf("%w: %.100q; want: ready {...}", ErrFormat, line)
	}
	var l Line
	if err := json.Unmarshal(body, &l); err != nil {
		return Line{}, fmt.Errorf("%w: %.100q: %w", ErrFormat, line, err)
	}
	if _, _, err := net.SplitHostPort(l.Client); err != nil {
		return Line{}, fmt.Errorf("%w: client address %q: %w", ErrFormat, l.Client, err)
	}
	return l, nil
}

// Write writes l as one line.
func (l Line) Write(w io.Writer) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", prefix, body)
	return err
}
