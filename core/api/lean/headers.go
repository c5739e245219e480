package lean

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Bounds of a header block.
const (
	// MaxHeaderListBytes bounds the fields of a request, counted as HTTP/2 does (32
	// bytes for each beside name and value), and their compressed form.
	MaxHeaderListBytes = 64 << 10
	maxHeaderFrames    = 64
	headerTableBytes   = 4096 // HPACK's default
	maxFieldsKept      = 64   // whose room is used again
)

// head is what a header block says. It belongs to the decoder until the next block.
type head struct {
	method, scheme, path, authority, host string
	contentType, timeout                  string
	contentLength                         int64 // -1: not said
	authorities, hosts                    int
	encoded                               bool // a grpc-encoding other than identity
	binary                                bool // there are fields with binary values
	fields                                []hpack.HeaderField
	bytes                                 int
	regular                               bool   // a field that is no pseudo-header came
	malformed                             string // why; empty if it is not
}

// decoder decodes the header blocks of a connection, one after another.
type decoder struct {
	hpack *hpack.Decoder
	head  head
	known []known

	// Of a block in more than one frame.
	of        uint32 // stream
	pending   []byte
	frames    int // 0: there is none
	endStream bool
	ownParent bool // the stream depends on itself
}

// known is a block that was decoded before: it has only fields of HPACK's tables,
// which have not changed since, and asks for a method in the plainest way.
type known struct {
	block  []byte
	method int
}

const maxKnown = 8

func newDecoder() *decoder {
	d := &decoder{}
	d.hpack = hpack.NewDecoder(headerTableBytes, d.field)
	d.hpack.SetMaxStringLength(MaxHeaderListBytes)
	return d
}

// recall returns the method that a block asks for if it is known.
func (d *decoder) recall(block []byte) (method int, ok bool) {
	for i := range d.known {
		if bytes.Equal(d.known[i].block, block) {
			return d.known[i].method, true
		}
	}
	return 0, false
}

// learn keeps a block, which has just been decoded, and what it asks for.
func (d *decoder) learn(block []byte, method int) {
	if len(d.known) < maxKnown && onlyIndexed(block) {
		d.known = append(d.known, known{bytes.Clone(block), method})
	}
}

// onlyIndexed reports whether a block consists of indexed fields alone. Such a block
// leaves HPACK's table as it is.
func onlyIndexed(block []byte) bool {
	for i := 0; i < len(block); i++ {
		if block[i]&0x80 == 0 {
			return false
		}
		if block[i] == 0xff { // a number that goes on, up to a byte below 0x80
			for i++; i < len(block) && block[i]&0x80 != 0; i++ {
			}
		}
	}
	return true
}

var errHeaderBlock = broken(http2.ErrCodeCompression, "a header block that cannot be decoded")

// decode decodes a whole block into d.head. A head above the bound is decoded to its
// end, since the table depends on it, but not kept.
func (d *decoder) decode(block []byte) error {
	if !onlyIndexed(block) {
		d.known = d.known[:0]
	}
	d.head = head{contentLength: -1, fields: d.head.fields[:0]}
	d.hpack.SetEmitEnabled(true)
	_, err := d.hpack.Write(block)
	if err == nil {
		err = d.hpack.Close()
	}
	if errors.Is(err, hpack.ErrStringLength) {
		return broken(http2.ErrCodeEnhanceYourCalm, "a header field above the bound")
	}
	if err != nil {
		return errHeaderBlock
	}
	return nil
}

// forget lets go of what a block has said.
func (d *decoder) forget() {
	fields := d.head.fields
	if clear(fields); cap(fields) > maxFieldsKept {
		fields = nil
	}
	d.head = head{fields: fields[:0]}
}

func (d *decoder) tooLarge() bool { return d.head.bytes > MaxHeaderListBytes }

// field is called for each field of a block.
func (d *decoder) field(f hpack.HeaderField) {
	h := &d.head
	if h.bytes += int(f.Size()); h.bytes > MaxHeaderListBytes {
		d.hpack.SetEmitEnabled(false)
		return
	}
	if strings.HasPrefix(f.Name, ":") {
		h.pseudo(f)
		return
	}
	h.regular = true
	h.take(f)
	h.fields = append(h.fields, f)
}

func (h *head) wrong(why string) {
	if h.malformed == "" {
		h.malformed = why
	}
}

func (h *head) pseudo(f hpack.HeaderField) {
	var dst *string
	switch f.Name {
	case ":method":
		dst = &h.method
	case ":scheme":
		dst = &h.scheme
	case ":path":
		dst = &h.path
	case ":authority":
		h.authorities++
		h.authority = f.Value
	default:
		h.wrong("an unknown pseudo-header")
		return
	}
	switch {
	case h.regular:
		h.wrong("a pseudo-header behind other fields")
	case dst != nil && *dst != "":
		h.wrong("a pseudo-header twice")
	case dst != nil:
		*dst = f.Value
	}
}

// take looks at a field that has a meaning here.
func (h *head) take(f hpack.HeaderField) {
	if !validName(f.Name) || !httpguts.ValidHeaderFieldValue(f.Value) {
		h.wrong("a field with a name or value that HTTP/2 does not allow")
		return
	}
	switch f.Name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		h.wrong("a field of HTTP/1.1's connections")
	case "te":
		if f.Value != "trailers" {
			h.wrong("te other than trailers")
		}
	case "content-length":
		n, err := strconv.ParseUint(f.Value, 10, 63)
		if err != nil || h.contentLength >= 0 && h.contentLength != int64(n) {
			h.wrong("a content-length that is no number")
			return
		}
		h.contentLength = int64(n)
	case "host":
		h.hosts++
		h.host = f.Value
	case "content-type":
		h.contentType = f.Value
	case "grpc-timeout":
		h.timeout = f.Value
	case "grpc-encoding":
		h.encoded = f.Value != "" && f.Value != "identity"
	default:
		h.binary = h.binary || strings.HasSuffix(f.Name, "-bin")
	}
}

// validName reports whether a name is a token in lower case.
func validName(name string) bool {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return false
		}
	}
	return httpguts.ValidHeaderFieldName(name)
}

// check returns why a request's head is malformed, "" if it is not.
func (h *head) check() string {
	if h.malformed == "" && (h.method == "" || h.scheme == "" || h.path == "" || h.method == "CONNECT") {
		return "a request without :method, :scheme or :path, or a CONNECT"
	}
	if h.malformed == "" && h.authorities > 1 && !isGRPC(h.contentType) { // which has an answer of its own
		return "a pseudo-header twice"
	}
	return h.malformed
}

// checkTrailer does so for the trailer of a request.
func (h *head) checkTrailer() string {
	if h.malformed == "" && (h.method != "" || h.scheme != "" || h.path != "" || h.authorities > 0) {
		return "a trailer with a pseudo-header"
	}
	return h.malformed
}
