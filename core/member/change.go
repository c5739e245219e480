package member

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
)

// Op is what a Change does.
type Op string

// The operations. Each is one log entry.
const (
	// OpAdd adds Change.Member, as a learner or as a voter.
	OpAdd Op = "add"
	// OpUpdate gives a member the name, URLs and instance of Change.Member; what is
	// empty there stays as it is.
	OpUpdate Op = "update"
	// OpPromote makes the learner Change.Member.ID a voter.
	OpPromote Op = "promote"
	// OpRemove removes Change.Member.ID for ever.
	OpRemove Op = "remove"
)

// Change is one step from a Set to the next.
type Change struct {
	Op     Op     `json:"op"`
	Member Member `json:"member"`
}

// DecodeChange decodes what Encode made. An error wraps ErrCorrupt.
func DecodeChange(data []byte) (Change, error) {
	var c Change
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return c, nil
}

// Encode returns the change as bytes.
func (c Change) Encode() []byte {
	data, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("member: %v", err)) // strings and numbers always encode
	}
	return data
}

// Apply returns the set after the change, which log entry index carries, or why
// the set does not allow it: one of the package's errors. It depends on nothing
// else, so that every member decides alike.
func (s Set) Apply(c Change, index uint64) (Set, error) {
	m := c.Member
	i, found := s.search(m.ID)
	switch {
	case s.WasRemoved(m.ID):
		return s, fmt.Errorf("%w: %x", ErrRemoved, m.ID)
	case c.Op == OpAdd && found:
		return s, fmt.Errorf("%w: %x", ErrExists, m.ID)
	case c.Op != OpAdd && !found:
		return s, fmt.Errorf("%w: %x", ErrNotFound, m.ID)
	}
	next := Set{Index: index, Members: slices.Clone(s.Members), Removed: slices.Clone(s.Removed)}
	switch c.Op {
	case OpAdd:
		if err := s.mayAdd(m); err != nil {
			return s, err
		}
		next.Members = slices.Insert(next.Members, i, m)
	case OpUpdate:
		m = s.Members[i].updated(m)
		if err := s.freeURLs(m); err != nil {
			return s, err
		}
		next.Members[i] = m
	case OpPromote:
		if !s.Members[i].Learner {
			return s, fmt.Errorf("%w: %x", ErrNotLearner, m.ID)
		}
		next.Members[i].Learner = false
	case OpRemove:
		if voters := s.Voters(); len(voters) == 1 && voters[0] == m.ID {
			return s, fmt.Errorf("%w: %x is the last voter", ErrNotEnoughStarted, m.ID)
		}
		next.Members = slices.Delete(next.Members, i, i+1)
		at, _ := slices.BinarySearch(next.Removed, m.ID)
		next.Removed = slices.Insert(next.Removed, at, m.ID)
	default:
		return s, fmt.Errorf("%w: operation %q, accepted: add, update, promote, remove", ErrCorrupt, c.Op)
	}
	return next, nil
}

// updated returns m with what by has of it.
func (m Member) updated(by Member) Member {
	m.Name, m.Instance = cmp.Or(by.Name, m.Name), cmp.Or(by.Instance, m.Instance)
	if len(by.PeerURLs) > 0 {
		m.PeerURLs = by.PeerURLs
	}
	if len(by.ClientURLs) > 0 {
		m.ClientURLs = by.ClientURLs
	}
	return m
}

func (s Set) mayAdd(m Member) error {
	if m.Learner && len(s.Learners()) > 0 {
		return fmt.Errorf("%w: %x", ErrTooManyLearners, s.Learners()[0])
	}
	return s.freeURLs(m)
}

// freeURLs refuses peer URLs that are malformed or another member's.
func (s Set) freeURLs(m Member) error {
	if err := CheckPeerURLs(m.PeerURLs); err != nil {
		return err
	}
	for _, other := range s.Members {
		if other.ID != m.ID && slices.Contains(other.PeerURLs, m.PeerURLs[0]) {
			return fmt.Errorf("%w: %s is member %x's", ErrURLExists, m.PeerURLs[0], other.ID)
		}
	}
	return nil
}

// CheckPeerURLs reports ErrBadURLs unless there is one peer URL, and it has a
// host and a port and no path.
func CheckPeerURLs(urls []string) error {
	if len(urls) != 1 {
		return fmt.Errorf("%w: %d were given, accepted: 1", ErrBadURLs, len(urls))
	}
	u, err := url.Parse(urls[0])
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Port() == "" || u.Path != "" {
		return fmt.Errorf("%w: %q is not of the form http://host:port or https://host:port", ErrBadURLs, urls[0])
	}
	return nil
}

// Check reports, beyond what Apply does, whether the change is prudent now: etcd's
// strict reconfiguration check. It counts who has started, not who is reachable.
func (s Set) Check(c Change) error {
	next, err := s.Apply(c, s.Index)
	if err != nil || c.Op == OpUpdate {
		return err
	}
	if c.Op == OpAdd && !c.Member.Learner && len(s.Voters()) == 1 && s.started() == 1 {
		return nil // the only way from one voter to two, as in etcd
	}
	if want := len(next.Voters())/2 + 1; next.started() < want {
		return fmt.Errorf("%w: %d voters have started, %d would be needed", ErrNotEnoughStarted, next.started(), want)
	}
	return nil
}

// started counts the voters that have ever run.
func (s Set) started() int {
	n := 0
	for _, m := range s.Members {
		if !m.Learner && m.Started() {
			n++
		}
	}
	return n
}
