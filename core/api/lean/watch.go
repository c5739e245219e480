package lean

import "time"

// lookAfter looks at all connections now and then, until it is told to stop.
func (s *Server) lookAfter(stop chan struct{}) {
	tick := time.NewTicker(s.timing.tick())
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			s.mu.Lock()
			for c := range s.conns {
				c.lookAt(now)
			}
			s.mu.Unlock()
		}
	}
}

// lookAt ends a connection whose peer takes nothing, or has gone, and asks one that
// has been silent.
func (c *Conn) lookAt(now time.Time) {
	t := c.srv.timing
	since := func(unixNano int64) time.Duration { return now.Sub(time.Unix(0, unixNano)) }
	writing, pinged, read := c.writingSince.Load(), c.pinged.Load(), c.lastRead.Load()
	if pinged != 0 && read > pinged {
		pinged = 0
	}
	switch {
	case writing != 0 && since(writing) > t.stall, pinged != 0 && since(pinged) > t.pingWait:
		_ = c.raw.Close()
	case pinged == 0 && since(read) > t.pingEvery:
		c.pinged.Store(now.UnixNano())
		c.tell(event{kind: evPing})
	}
}

// startDrain tells the peer that the connection will take no more calls, and, when
// it has taken note, that it takes none.
func (c *Conn) startDrain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.drain != serving {
		return
	}
	c.drain = asked
	c.events = append(c.events, event{kind: evDrain})
	c.wake.Broadcast()
	time.AfterFunc(c.srv.timing.drainAck, c.refuseStreams)
}

// refuseStreams admits no more streams. The peer is told which was the last.
func (c *Conn) refuseStreams() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.drain != asked {
		return
	}
	c.drain = refusing
	c.events = append(c.events, event{kind: evRefusing, id: c.lastID})
	c.wake.Broadcast()
}
