package client

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// answers reads a link's frames. It belongs to the link's reader.
type answers struct {
	link     *link
	in       *bufio.Reader
	hpack    *hpack.Decoder
	call     *leanCall // that a header block is for, nil: for none
	end      bool      // the block ends the stream
	stream   uint32    // of a block that goes on, 0: there is none
	received int       // bytes of data that are not yet allowed again
	buf      []byte
}

var errFrame = errors.New("the server sent a frame that HTTP/2 does not allow")

// frame handles one frame.
func (r *answers) frame() error {
	head, err := r.in.Peek(9)
	if err != nil {
		return err
	}
	n := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	kind, flags, stream := http2.FrameType(head[3]), http2.Flags(head[4]), binary.BigEndian.Uint32(head[5:])&lastStream
	if n > firstFrame {
		return errFrame
	}
	_, _ = r.in.Discard(9)
	if cap(r.buf) < n {
		r.buf = make([]byte, firstFrame)
	}
	payload := r.buf[:n]
	if _, err := io.ReadFull(r.in, payload); err != nil {
		return err
	}
	if (r.stream != 0) != (kind == http2.FrameContinuation) || r.stream != 0 && stream != r.stream {
		return errFrame
	}
	r.link.mu.Lock()
	defer r.link.mu.Unlock()
	return r.handle(kind, flags, stream, payload)
}

// handle handles a frame. The link's mutex is held.
func (r *answers) handle(kind http2.FrameType, flags http2.Flags, stream uint32, p []byte) (err error) {
	l := r.link
	switch kind {
	case http2.FrameData, http2.FrameHeaders:
		r.allow(kind, len(p))
		if p, err = unpad(p, flags); err != nil {
			return err
		}
		call := l.calls[stream] // nil if it was cancelled
		end := flags&http2.FlagDataEndStream != 0
		if kind == http2.FrameHeaders {
			return r.headers(call, stream, flags, p, end)
		}
		if call != nil {
			call.reply = append(call.reply, p...)
			if end {
				l.finish(call, nil)
			}
		}
	case http2.FrameContinuation:
		return r.block(flags, p)
	case http2.FrameRSTStream:
		if call := l.calls[stream]; call != nil && len(p) == 4 {
			l.finish(call, resetError(http2.ErrCode(binary.BigEndian.Uint32(p))))
		}
	case http2.FrameSettings:
		return r.settings(flags, p)
	case http2.FramePing:
		if len(p) != 8 {
			return errFrame
		}
		if flags&http2.FlagPingAck == 0 {
			l.out = appendFrame(l.out, http2.FramePing, http2.FlagPingAck, 0, p)
			l.wake.Broadcast()
		}
	case http2.FrameWindowUpdate:
		return r.windowUpdate(stream, p)
	case http2.FrameGoAway:
		return r.goAway(p)
	}
	return nil
}

// allow lets the server send on.
func (r *answers) allow(kind http2.FrameType, n int) {
	if kind != http2.FrameData {
		return
	}
	if r.received += n; r.received >= leanWindow/4 {
		r.link.out = appendFrame(r.link.out, http2.FrameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, uint32(r.received)))
		r.link.wake.Broadcast()
		r.received = 0
	}
}

// unpad takes the padding off. The flag is that of both kinds that have any.
func unpad(p []byte, flags http2.Flags) ([]byte, error) {
	if flags&http2.FlagDataPadded == 0 {
		return p, nil
	}
	if len(p) == 0 || int(p[0]) > len(p)-1 {
		return nil, errFrame
	}
	return p[1 : len(p)-int(p[0])], nil
}

// headers begins a header block.
func (r *answers) headers(call *leanCall, stream uint32, flags http2.Flags, p []byte, end bool) error {
	if flags&http2.FlagHeadersPriority != 0 {
		if len(p) < 5 {
			return errFrame
		}
		p = p[5:]
	}
	r.call, r.end, r.stream = call, end, stream
	return r.block(flags, p)
}

// block goes on with a header block.
func (r *answers) block(flags http2.Flags, p []byte) error {
	if _, err := r.hpack.Write(p); err != nil {
		return err
	}
	if flags&http2.FlagHeadersEndHeaders == 0 {
		return nil
	}
	r.stream = 0
	if err := r.hpack.Close(); err != nil {
		return err
	}
	if r.call != nil && r.end {
		r.link.finish(r.call, nil)
	}
	return nil
}

// field is called for each field of a header block.
func (r *answers) field(f hpack.HeaderField) {
	if r.call == nil {
		return
	}
	switch f.Name {
	case ":status":
		r.call.http = f.Value
	case "grpc-status":
		r.call.code = f.Value
	case "grpc-message":
		r.call.text = f.Value
	}
}

// settings carries out the server's settings.
func (r *answers) settings(flags http2.Flags, p []byte) error {
	l := r.link
	if flags&http2.FlagSettingsAck != 0 {
		return nil
	}
	for ; len(p) >= 6; p = p[6:] {
		value := binary.BigEndian.Uint32(p[2:])
		switch http2.SettingID(binary.BigEndian.Uint16(p)) {
		case http2.SettingInitialWindowSize:
			for _, call := range l.calls {
				call.room += int64(value) - l.initial
			}
			l.initial = int64(value)
		case http2.SettingMaxFrameSize:
			l.most = int(min(value, 1<<20))
		case http2.SettingMaxConcurrentStreams:
			l.streams = int(value)
		case http2.SettingHeaderTableSize:
			l.enc.SetMaxDynamicTableSizeLimit(value)
			clear(l.blocks[:])
		}
	}
	l.out = appendFrame(l.out, http2.FrameSettings, http2.FlagSettingsAck, 0, nil)
	l.sendWaiting()
	l.wake.Broadcast()
	return nil
}

func (r *answers) windowUpdate(stream uint32, p []byte) error {
	if len(p) != 4 {
		return errFrame
	}
	n := int64(binary.BigEndian.Uint32(p) & lastStream)
	if stream == 0 {
		r.link.room += n
	} else if call := r.link.calls[stream]; call != nil {
		call.room += n
	}
	if len(r.link.waiting) > 0 {
		r.link.sendWaiting()
		r.link.wake.Broadcast()
	}
	return nil
}

// goAway ends the calls that the server has not taken: they did not happen. The next
// call opens another connection.
func (r *answers) goAway(p []byte) error {
	if len(p) < 8 {
		return errFrame
	}
	l := r.link
	l.draining = true
	last, code := binary.BigEndian.Uint32(p)&lastStream, http2.ErrCode(binary.BigEndian.Uint32(p[4:]))
	for id, call := range l.calls {
		if id > last {
			l.finish(call, notSentError(fmt.Errorf("the server went away: %v %s", code, p[8:])))
		}
	}
	if len(l.calls) == 0 {
		l.fail(errDraining)
	}
	l.wake.Broadcast()
	return nil
}

// resetError is what a stream's reset means, by gRPC's table. A refused stream did not
// happen.
func resetError(code http2.ErrCode) error {
	text := fmt.Sprintf("client: the server reset the call: %v", code)
	switch code {
	case http2.ErrCodeRefusedStream:
		return notSentError(errors.New("the server refused the stream"))
	case http2.ErrCodeCancel:
		return status.Error(codes.Canceled, text)
	case http2.ErrCodeEnhanceYourCalm:
		return status.Error(codes.ResourceExhausted, text)
	case http2.ErrCodeInadequateSecurity:
		return status.Error(codes.PermissionDenied, text)
	}
	return status.Error(codes.Internal, text)
}
