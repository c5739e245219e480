package lean

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/status"
)

// heads encodes the header blocks of answers. Of HPACK's table it uses two entries,
// which are added by the first answer with a message and stay: the content type and
// the status of success. All else is sent as literals, which leave the table alone.
type heads struct {
	typeAdded, okAdded bool
	literal            bool   // the peer's table is too small for the entries
	smaller            uint32 // by how much the table is smaller than HPACK's default
	untold             bool   // which the peer is to be told with the next block
}

// What HPACK says (RFC 7541, section 6 and appendix A).
const (
	indexedStatus200   = 0x80 | 8
	firstDynamic       = 0x80 | 62
	literalNameStatus  = 8  // of :status, in a literal without indexing
	nameContentType    = 31 // the static table's content-type
	literalIndexed     = 0x40
	tableSize          = 0x20
	entriesBytes       = 2*32 + len("content-type") + len(grpcType) + len("grpc-status") + len("0")
	endHeaders         = http2.FlagHeadersEndHeaders
	endHeadersAndCalls = http2.FlagHeadersEndHeaders | http2.FlagHeadersEndStream
)

// limitTable takes the peer's setting. A smaller table is announced by the next block,
// as HPACK demands; one that is too small for the entries is emptied for good.
func (h *heads) limitTable(n uint32) {
	if int(n) < entriesBytes {
		n, h.literal = 0, true
	}
	if n < headerTableBytes-h.smaller {
		h.smaller, h.untold = headerTableBytes-n, true
	}
}

// begin begins a HEADERS frame, whose length end sets.
func (h *heads) begin(dst []byte, stream uint32, flags http2.Flags) (out []byte, start int) {
	start = len(dst)
	dst = appendFrameHeader(dst, 0, http2.FrameHeaders, flags, stream)
	if h.untold {
		dst, h.untold = appendNumber(dst, 5, tableSize, uint64(headerTableBytes-h.smaller)), false
	}
	return dst, start
}

// endFrame sets the length of the frame that begins at start. What is more than
// every peer takes in one frame is continued in others.
func endFrame(dst []byte, start int) []byte {
	n := len(dst) - start - frameHeaderBytes
	if n <= maxFrameBytes {
		putFrameLength(dst[start:], n)
		return dst
	}
	head := parseFrameHeader(dst[start:])
	block := bytes.Clone(dst[start+frameHeaderBytes:])
	dst = appendFrameHeader(dst[:start], maxFrameBytes, head.kind, head.flags&^endHeaders, head.stream)
	dst = append(dst, block[:maxFrameBytes]...)
	for block = block[maxFrameBytes:]; len(block) > 0; {
		n, flags := min(len(block), maxFrameBytes), http2.Flags(0)
		if n == len(block) {
			flags = endHeaders
		}
		dst = appendFrameHeader(dst, n, http2.FrameContinuation, flags, head.stream)
		dst, block = append(dst, block[:n]...), block[n:]
	}
	return dst
}

// appendHead is the beginning of an answer with a message.
func (h *heads) appendHead(dst []byte, stream uint32) []byte {
	dst, start := h.begin(dst, stream, endHeaders)
	dst = append(dst, indexedStatus200)
	switch {
	case h.literal:
		dst = appendStaticName(dst, nameContentType, grpcType)
	case !h.typeAdded:
		h.typeAdded = true
		dst = append(dst, literalIndexed|nameContentType)
		dst = appendString(dst, grpcType)
	case h.okAdded:
		dst = append(dst, firstDynamic+1)
	default:
		dst = append(dst, firstDynamic)
	}
	return endFrame(dst, start)
}

// appendOK is the trailer of a call without an error.
func (h *heads) appendOK(dst []byte, stream uint32) []byte {
	dst, start := h.begin(dst, stream, endHeadersAndCalls)
	switch {
	case h.literal:
		dst = appendLiteral(dst, "grpc-status", "0")
	case !h.okAdded:
		h.okAdded = true
		dst = append(dst, literalIndexed)
		dst = appendString(dst, "grpc-status")
		dst = appendString(dst, "0")
	default:
		dst = append(dst, firstDynamic)
	}
	return endFrame(dst, start)
}

// appendStatus answers with a status alone. httpStatus 0 is 200.
func (h *heads) appendStatus(dst []byte, stream uint32, httpStatus int, err error) []byte {
	st := status.Convert(err)
	dst, start := h.begin(dst, stream, endHeadersAndCalls)
	dst = appendHTTPStatus(dst, httpStatus)
	dst = appendStaticName(dst, nameContentType, grpcType)
	dst = appendLiteral(dst, "grpc-status", strconv.Itoa(int(st.Code())))
	if m := st.Message(); m != "" {
		dst = appendLiteral(dst, "grpc-message", encodeMessage(m))
	}
	return endFrame(dst, start)
}

func appendHTTPStatus(dst []byte, status int) []byte {
	if status == 0 || status == http.StatusOK {
		return append(dst, indexedStatus200)
	}
	return appendStaticName(dst, literalNameStatus, strconv.Itoa(status))
}

// appendBlock is the header of a handler's answer.
func (h *heads) appendBlock(dst []byte, stream uint32, status int, block []byte, end bool) []byte {
	flags := endHeaders
	if end {
		flags = endHeadersAndCalls
	}
	dst, start := h.begin(dst, stream, flags)
	dst = appendHTTPStatus(dst, status)
	return endFrame(append(dst, block...), start)
}

// appendTrailer is its trailer.
func (h *heads) appendTrailer(dst []byte, stream uint32, block []byte) []byte {
	dst, start := h.begin(dst, stream, endHeadersAndCalls)
	return endFrame(append(dst, block...), start)
}

// appendFields appends the fields whose names are not skipped.
func appendFields(dst []byte, fields http.Header, skip func(name string) bool) []byte {
	for name, values := range fields {
		if skip(name) {
			continue
		}
		for _, v := range values {
			dst = appendLiteral(dst, strings.ToLower(name), v)
		}
	}
	return dst
}

// appendLiteral appends a field that is not added to the table.
func appendLiteral(dst []byte, name, value string) []byte {
	dst = append(dst, 0)
	dst = appendString(dst, name)
	return appendString(dst, value)
}

// appendStaticName does so with a name of the static table.
func appendStaticName(dst []byte, name uint64, value string) []byte {
	return appendString(appendNumber(dst, 4, 0, name), value)
}

// appendString appends a string as it is.
func appendString(dst []byte, s string) []byte {
	return append(appendNumber(dst, 7, 0, uint64(len(s))), s...)
}

// appendNumber appends a number whose first byte has bits for it, below those of
// first.
func appendNumber(dst []byte, bits uint, first byte, n uint64) []byte {
	most := uint64(1)<<bits - 1
	if n < most {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		dst = append(dst, 0x80|byte(n))
	}
	return append(dst, byte(n))
}

// encodeMessage encodes a status message as gRPC says: what is not printable ASCII,
// and the percent sign, by percent and two digits.
func encodeMessage(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '%' }) {
		return s
	}
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for _, r := range s { // what is no UTF-8 becomes U+FFFD, as in grpc-go
		if r >= ' ' && r <= '~' && r != '%' {
			out.WriteByte(byte(r))
			continue
		}
		var b [utf8.UTFMax]byte
		for _, c := range b[:utf8.EncodeRune(b[:], r)] {
			out.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return out.String()
}
