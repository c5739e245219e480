// Package wire is --codec=wire: log entries that carry requests as they were
// received, the plan's P3.4.
//
// A payload is a list of
//
//	+------+--------+------------------------------
//	| form | length | body
//	+------+--------+------------------------------
//	 1 byte  varint   the request's own bytes, in the form's protobuf wire form
//
// A put, a delete, and a batch of either keep the bytes that gRPC received, if
// they have the strict shape of package wireform; whatever does not (a request
// with fields that this program does not know, or of the JSON gateway), and
// transactions and compactions, are encoded in the same form. A batch is one body,
// whatever the number of its commands.
//
// # Copies of a put
//
//	                 json, protobuf            wire
//	message          socket to key and value   none: they stay in the frame
//	encode           one                       none
//	entry            one                       one: an entry is in one piece
//	decode           one                       none, or one by the engine's needs
//
// Beside these each codec has the same: gRPC gathers a message that comes in more
// than one HTTP/2 frame, the log is written through a buffer that has room for
// checksums, and engines that store bytes elsewhere than in Go's heap copy them
// there.
//
// # Who owns an entry's bytes
//
// The Raft log does, until it is compacted: they are never reused. Decoded
// commands alias them as far as codec.Scratch says. An engine that copies what it
// is given needs nothing more. The memory engine keeps what it is given, and a
// pair that aliases its entry would keep all of it: of a batch of a thousand puts
// the last that is not overwritten would hold on to the others. So a pair is
// copied, key and value in one allocation, unless it is at least half of its
// payload: then it aliases it, and the log and the state share one copy. No pair
// holds more than twice its own bytes. BenchmarkRetained measures it: after 20 random
// overwrites of keys with 256 bytes the heap holds 410 to 480 bytes a key, whatever
// the entries' length; with aliases throughout it would be 1,030 for entries of 10
// puts and 2,330 for those of 1,000. Entries that were read from the log at the
// start share the buffers of its frames, so nothing of them is kept.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"metastorebench/core/codec"
	"metastorebench/core/codec/wireform"
	"metastorebench/core/kv"
)

// Codec implements codec.Passer.
type Codec struct{}

var _ codec.Passer = Codec{}

// Name returns "wire".
func (Codec) Name() string { return "wire" }

// Tag returns the codec's tag in the log.
func (Codec) Tag() byte { return 'W' }

// message is what vtprotobuf generates.
type message interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
}

// AppendCommand appends cmd in the form in which its request would have come.
func (Codec) AppendCommand(dst []byte, cmd *kv.Command) ([]byte, error) {
	form, m := kv.FormCommand, message(cmd)
	switch {
	case len(cmd.GetPut().GetKey()) > 0:
		form, m = kv.FormPut, cmd.Put
	case len(cmd.GetDeleteRange().GetKey()) > 0:
		form, m = kv.FormDelete, cmd.DeleteRange
	}
	size, before := m.SizeVT(), len(dst)
	dst = appendHead(dst, form, size)
	start := len(dst)
	dst = slices.Grow(dst, size)[:start+size]
	if _, err := m.MarshalToSizedBufferVT(dst[start:]); err != nil {
		return dst[:before], fmt.Errorf("encode command in wire form: %w", err)
	}
	return dst, nil
}

// hasOwnForm reports whether cmd is a put or a delete that needs no FormCommand.
func hasOwnForm(cmd *kv.Command) bool {
	return len(cmd.GetPut().GetKey()) > 0 || len(cmd.GetDeleteRange().GetKey()) > 0
}

// AppendHead appends the form and the length of w's bytes.
func (Codec) AppendHead(dst []byte, w kv.Wire) []byte { return appendHead(dst, w.Form, len(w.Bytes)) }

func appendHead(dst []byte, form kv.Form, bytes int) []byte {
	return binary.AppendUvarint(append(dst, byte(form)), uint64(bytes))
}

// AppendPayload appends the pieces one after another.
func (Codec) AppendPayload(dst []byte, encoded [][]byte) []byte {
	for _, e := range encoded {
		dst = append(dst, e...)
	}
	return dst
}

// DecodePayload decodes a payload; see codec.Scratch for what the commands may
// keep of it.
func (c Codec) DecodePayload(dst []*kv.Command, payload []byte) ([]*kv.Command, error) {
	return c.DecodeInto(&codec.Scratch{}, dst, payload)
}

// DecodeInto implements codec.Passer.
func (Codec) DecodeInto(s *codec.Scratch, dst []*kv.Command, payload []byte) ([]*kv.Command, error) {
	d := decoder{scratch: s, payloadBytes: len(payload), cmds: dst}
	for at := 0; at < len(payload); {
		form := kv.Form(payload[at])
		body, n := protowire.ConsumeBytes(payload[at+1:])
		if n < 0 {
			return dst, fmt.Errorf("%w: wire payload: byte %d: %w", codec.ErrCorrupt, at, protowire.ParseError(n))
		}
		if err := d.body(form, body); err != nil {
			return dst, fmt.Errorf("%w: wire payload: byte %d, form %d: %w", codec.ErrCorrupt, at, form, err)
		}
		at += 1 + n
	}
	return d.cmds, nil
}

var (
	errForm      = errors.New("unknown form")
	errEmpty     = errors.New("empty batch")
	errOtherForm = errors.New("a put or a delete, which have forms of their own")
)

// decoder is a payload under way.
type decoder struct {
	scratch      *codec.Scratch
	payloadBytes int
	cmds         []*kv.Command
}

// body decodes a body to its commands.
func (d *decoder) body(form kv.Form, body []byte) error {
	switch form {
	case kv.FormPut:
		return d.put(body)
	case kv.FormDelete:
		return d.delete(body)
	case kv.FormPuts:
		return d.list(body, d.put)
	case kv.FormDeletes:
		return d.list(body, d.delete)
	case kv.FormCommand:
		return d.command(body)
	}
	return errForm
}

func (d *decoder) command(body []byte) error {
	cmd := new(kv.Command)
	d.cmds = append(d.cmds, cmd)
	d.scratch.CopiedBytes += int64(len(body))
	if err := cmd.UnmarshalVT(body); err != nil {
		return err
	}
	if hasOwnForm(cmd) {
		return errOtherForm
	}
	return nil
}

func (d *decoder) list(body []byte, item func([]byte) error) error {
	if len(body) == 0 {
		return errEmpty
	}
	return wireform.Each(body, item)
}

func (d *decoder) put(body []byte) error {
	cmd := d.scratch.NewPut()
	d.cmds = append(d.cmds, cmd)
	if err := wireform.Put(body, cmd.Put); err != nil {
		return err
	}
	d.scratch.Own(d.payloadBytes, &cmd.Put.Key, &cmd.Put.Value)
	return nil
}

func (d *decoder) delete(body []byte) error {
	cmd := d.scratch.NewDelete()
	d.cmds = append(d.cmds, cmd)
	return wireform.Delete(body, cmd.DeleteRange)
}
