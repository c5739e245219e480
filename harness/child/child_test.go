package child

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// parentArg makes the test binary start the script in the second argument, and
// wait.
const parentArg = "parent"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == parentArg {
		p, err := Start(context.Background(), []string{"/bin/sh", "-c", os.Args[2]})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		<-p.Ended()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestTailKeepsTheEnd(t *testing.T) {
	var tl tail
	require.Empty(t, tl.String())
	for range 100 {
		_, err := tl.Write(bytes.Repeat([]byte("x"), 100))
		require.NoError(t, err)
	}
	_, err := tl.Write([]byte("the end\n"))
	require.NoError(t, err)
	require.Len(t, tl.buf, tailBytes)
	require.True(t, strings.HasPrefix(tl.String(), "; it said: xxx"))
	require.True(t, strings.HasSuffix(tl.String(), "xthe end"))
}

func TestFirstLine(t *testing.T) {
	f := firstLine{got: make(chan []byte, 1)}
	for _, part := range []string{"rea", "dy {}", "\nmore", "\nand more\n"} {
		n, err := f.Write([]byte(part))
		require.NoError(t, err)
		require.Equal(t, len(part), n)
	}
	require.Equal(t, "ready {}", string(<-f.got))
}

// A store that never becomes ready is killed when the caller gives up, and one
// that ignores SIGTERM when its time is up.
func TestProcessIsAlwaysEnded(t *testing.T) {
	script := func(text string) []string { return []string{"/bin/sh", "-c", text} }
	const line = `echo 'ready {"client":"127.0.0.1:1"}'; `
	p, err := Start(t.Context(), script(line+"trap '' TERM; echo stubborn >&2; sleep 1000 & wait; wait"))
	require.NoError(t, err)
	p.Kill()
	<-p.ended
	require.ErrorContains(t, p.err, "signal: killed")
	p.Kill() // may be repeated
	require.ErrorContains(t, p.Stop(), "had ended before")

	p, err = Start(t.Context(), script(line+"echo bye >&2; exit 0"))
	require.NoError(t, err)
	<-p.Ended()
	require.EqualError(t, p.Exit(), "exited with status 0; it said: bye")
	_, err = Start(t.Context(), nil)
	require.ErrorIs(t, err, ErrStart)
	_, err = Start(t.Context(), script("exit 4"))
	require.ErrorIs(t, err, ErrStart)
	require.ErrorContains(t, err, "exit status 4")
	require.NotErrorIs(t, err, syscall.EADDRINUSE)
	_, err = Start(t.Context(), script("echo 'listen tcp 127.0.0.1:1: bind: address already in use' >&2; exit 4"))
	require.ErrorIs(t, err, ErrStart)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}

// When this process is killed, the kernel kills the store. The store holds the
// write end of a FIFO: its reader sees the end of the file when the store is
// gone.
func TestStoreDiesWithItsParent(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.Command(self, parentArg, `echo 'ready {"client":"127.0.0.1:1"}'; exec sleep 1000 >`+fifo)
	require.NoError(t, parent.Start())
	reader, err := os.Open(fifo) // returns when the store has opened it too
	require.NoError(t, err)
	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	rest, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.NoError(t, reader.Close())
}

// A child that dies cancels what is done with it, and says how it died; one that
// is stopped in order does not.
func TestWatch(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo") // holds the child up until the test opens it
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := Start(t.Context(), []string{"/bin/sh", "-c", `echo 'ready {"client":"127.0.0.1:1"}'; read x <` + fifo + `; echo ouch >&2; exit 3`})
	require.NoError(t, err)
	stop := p.Watch(cancel)
	defer stop()
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	<-ctx.Done()
	require.ErrorIs(t, context.Cause(ctx), ErrEnded)
	require.ErrorContains(t, context.Cause(ctx), "exit status 3; it said: ouch")

	ctx, cancel = context.WithCancelCause(t.Context())
	defer cancel(nil)
	p, err = Start(t.Context(), []string{"/bin/sh", "-c", `echo 'ready {"client":"127.0.0.1:1"}'; exec sleep 1000`})
	require.NoError(t, err)
	p.Watch(cancel)()
	p.Kill()
	require.NoError(t, ctx.Err())
}
