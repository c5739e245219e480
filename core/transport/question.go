package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"time"
)

// Ask puts a question to whoever answers at a peer URL and returns the answer.
// The one who asks need not be a member. config is as Config.ClientTLS.
func Ask(ctx context.Context, config *tls.Config, peerURL string, question []byte) ([]byte, error) {
	conn, err := dial(ctx, config, peerURL, greeting{Kind: kindQuestion})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer hangUp(ctx, conn)()
	if err := conn.SetDeadline(time.Now().Add(pieceTimeout)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(appendFrame(nil, frameQuestion, question)); err != nil {
		return nil, err
	}
	frames := frameReader{r: bufio.NewReader(conn), maxBytes: maxQuestionBytes}
	kind, payload, err := frames.next()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("transport: no answer: %w", err)
	case kind == frameAnswer:
		return payload, nil
	case kind == frameRefusal:
		return nil, decodeRefusal(payload)
	}
	return nil, fmt.Errorf("%w: kind %q, want an answer", ErrFrame, kind)
}

// maxQuestionBytes bounds a question and an answer.
const maxQuestionBytes = 2 << 20

// answer serves a connection with a question.
func (t *Transport) answer(in *inbound) error {
	frames := &frameReader{r: bufio.NewReader(in.conn), maxBytes: maxQuestionBytes}
	kind, payload, err := frames.next()
	if err != nil {
		return err
	}
	if kind != frameQuestion {
		return fmt.Errorf("%w: kind %q, want a question", ErrFrame, kind)
	}
	ctx, cancel := context.WithTimeout(t.ctx, pieceTimeout)
	defer cancel()
	reply, err := t.cfg.Handler.Answer(ctx, payload)
	if err != nil {
		in.end(err)
		return err
	}
	return in.write(appendFrame(nil, frameAnswer, reply))
}
