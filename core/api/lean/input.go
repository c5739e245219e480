package lean

import (
	"io"
	"sync"
)

// A connection at rest has a small buffer, so that ten thousand of them cost little;
// while much comes in it borrows a large one, which holds a frame and more.
const (
	smallInput = 4 << 10
	largeInput = 32 << 10
	// calmReads is after how many reads in a row that would have fitted into the
	// small buffer the large one is returned.
	calmReads = 64
)

var largeInputs = sync.Pool{New: func() any { return new([largeInput]byte) }}

// input is what has been read and not been parsed: buf[start:end].
type input struct {
	buf        []byte
	start, end int
	small      []byte
	large      *[largeInput]byte
	calm       int
}

// take sets f to the next frame, whole, or returns false if there is none yet.
func (in *input) take(f *frame) (ok bool, err error) {
	have := in.buf[in.start:in.end]
	if len(have) < frameHeaderBytes {
		return false, nil
	}
	*f = parseFrameHeader(have)
	if f.length > maxFrameBytes {
		return false, errFrameTooLarge
	}
	total := frameHeaderBytes + f.length
	if len(have) < total {
		return false, nil
	}
	f.payload = have[frameHeaderBytes:total:total]
	in.start += total
	return true, nil
}

// read reads more, once. The frames that were taken before are gone.
func (in *input) read(r io.Reader) error {
	in.makeRoom()
	n, err := r.Read(in.buf[in.end:])
	in.end += n
	if n > 0 {
		return nil
	}
	return err
}

// makeRoom moves what is left of a frame to the beginning of a buffer that the frame
// fits into.
func (in *input) makeRoom() {
	rest := in.buf[in.start:in.end]
	full := in.end == len(in.buf) && in.end > 0
	needs := frameHeaderBytes
	if len(rest) >= frameHeaderBytes {
		needs += parseFrameHeader(rest).length
	}
	if in.end < smallInput {
		in.calm++
	} else {
		in.calm = 0
	}
	switch {
	case in.large == nil && (full || needs > smallInput):
		in.large, in.calm = largeInputs.Get().(*[largeInput]byte), 0
		in.end = copy(in.large[:], rest)
		in.buf = in.large[:]
	case in.large != nil && in.calm > calmReads && needs <= smallInput && len(rest) < smallInput:
		in.end = copy(in.smallBuffer(), rest)
		in.release()
		in.buf = in.small
	default:
		if in.buf == nil {
			in.buf = in.smallBuffer()
		}
		in.end = copy(in.buf, rest)
	}
	in.start = 0
}

func (in *input) smallBuffer() []byte {
	if in.small == nil {
		in.small = make([]byte, smallInput)
	}
	return in.small
}

// release returns the large buffer.
func (in *input) release() {
	if in.large != nil {
		largeInputs.Put(in.large)
		in.large, in.buf, in.calm = nil, nil, 0
	}
}
