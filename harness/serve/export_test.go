package serve

import "time"

// SetClock gives the server a test's time.
func (s *Server) SetClock(now func() time.Time) { s.now = now }
