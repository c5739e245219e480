package child

import (
	"bytes"
	"strings"
	"sync"
)

// tailBytes is how much of standard error is kept.
const tailBytes = 4 << 10

// firstLine passes on the first line written to it and drops the rest.
type firstLine struct {
	got  chan []byte // room for one
	part []byte
	done bool
}

func (f *firstLine) Write(b []byte) (int, error) {
	if !f.done {
		before, _, found := bytes.Cut(b, []byte{'\n'})
		f.part = append(f.part, before...)
		if found {
			f.done = true
			f.got <- f.part
		}
	}
	return len(b), nil
}

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

// String returns the text as the end of an error message: empty, or a
// semicolon and what standard error said last.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.buf))
	if text == "" {
		return ""
	}
	return "; it said: " + text
}
