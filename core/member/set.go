package member

import (
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Errors of the package. Each is wrapped with the member in question; compare
// with errors.Is. None of them leaves anything changed.
var (
	// ErrExists says that a member with this id is there already.
	ErrExists = errors.New("member: the id exists already")
	// ErrURLExists says that another member has the peer URL.
	ErrURLExists = errors.New("member: the peer URL belongs to another member")
	// ErrBadURLs says that there is not exactly one peer URL of the form
	// http://host:port or https://host:port.
	ErrBadURLs = errors.New("member: invalid peer URLs")
	// ErrNotFound says that no member has the id.
	ErrNotFound = errors.New("member: no such member")
	// ErrRemoved says that the member was removed from the cluster. Its id never
	// comes back: to return, it is added under a new one, with an empty data
	// directory.
	ErrRemoved = errors.New("member: the member was removed from the cluster")
	// ErrNotLearner says that a voter was to be promoted.
	ErrNotLearner = errors.New("member: the member is not a learner")
	// ErrLearnerNotReady says that a learner's log is too far behind the leader's.
	ErrLearnerNotReady = errors.New("member: the learner has not caught up with the leader")
	// ErrTooManyLearners says that the cluster has a learner already; etcd's
	// bound, too.
	ErrTooManyLearners = errors.New("member: the cluster has its one learner already")
	// ErrNotEnoughStarted says that the change would leave fewer started voters
	// than a majority needs.
	ErrNotEnoughStarted = errors.New("member: not enough started members")
	// ErrCorrupt says that an encoded Set or Change cannot be decoded.
	ErrCorrupt = errors.New("member: encoded membership is corrupt")
)

// Member is one replica of a cluster.
type Member struct {
	// ID is the Raft id, never 0.
	ID uint64 `json:"id"`
	// Name is empty until the member has started for the first time.
	Name string `json:"name,omitempty"`
	// PeerURLs holds one URL, http (plain TCP) or https (TLS), host and port.
	PeerURLs []string `json:"peer_urls"`
	// ClientURLs are those that the member advertises.
	ClientURLs []string `json:"client_urls,omitempty"`
	// Learner says that the member receives the log and has no vote.
	Learner bool `json:"learner,omitempty"`
	// Instance is that of the data directory, 0 until the member has started.
	Instance uint64 `json:"instance,omitempty"`
}

// Started tells whether the member has ever run.
func (m Member) Started() bool { return m.Name != "" }

// Set is the membership at one log index. It is immutable: Apply returns
// another. The zero Set has no members: that of a node which has not yet been
// told of any.
type Set struct {
	// Index is that of the log entry that made the set, 0 for the first one.
	Index uint64 `json:"index"`
	// Members are in ascending order of their ids.
	Members []Member `json:"members"`
	// Removed are the ids that never come back, ascending.
	Removed []uint64 `json:"removed,omitempty"`
}

// NewSet returns the first set of a cluster.
func NewSet(members ...Member) Set {
	s := Set{Members: slices.Clone(members)}
	slices.SortFunc(s.Members, byID)
	return s
}

func byID(a, b Member) int { return cmp.Compare(a.ID, b.ID) }

// Decode decodes what Encode made; nothing gives the zero Set. An error wraps
// ErrCorrupt.
func Decode(data []byte) (Set, error) {
	var s Set
	if len(data) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return Set{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return s, nil
}

// Encode returns the set as bytes, the same on every member; nothing for the
// zero Set.
func (s Set) Encode() []byte {
	if len(s.Members) == 0 && len(s.Removed) == 0 {
		return nil
	}
	data, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("member: %v", err)) // strings and numbers always encode
	}
	return data
}

// Find returns the member with the id.
func (s Set) Find(id uint64) (Member, bool) {
	i, ok := s.search(id)
	if !ok {
		return Member{}, false
	}
	return s.Members[i], true
}

func (s Set) search(id uint64) (int, bool) {
	return slices.BinarySearchFunc(s.Members, id, func(m Member, id uint64) int { return cmp.Compare(m.ID, id) })
}

// WasRemoved tells whether the id belonged to a member that was removed.
func (s Set) WasRemoved(id uint64) bool {
	_, found := slices.BinarySearch(s.Removed, id)
	return found
}

// Voters and Learners return the ids of either kind, ascending.
func (s Set) Voters() []uint64 { return s.ids(false) }

// Learners returns the learners' ids; see Voters.
func (s Set) Learners() []uint64 { return s.ids(true) }

func (s Set) ids(learner bool) []uint64 {
	var ids []uint64
	for _, m := range s.Members {
		if m.Learner == learner {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// InitialID is the id of a member of a new cluster: etcd's (membership.NewMember),
// a hash of its peer URL and the cluster's token.
func InitialID(peerURL, token string) uint64 { return hashID([]byte(peerURL + token)) }

// AddedID is the id of a member that is added at the given time: etcd's too. The
// time tells it from one that had the URL before.
func AddedID(peerURL, token string, now time.Time) uint64 {
	return hashID([]byte(peerURL + token + strconv.FormatInt(now.UnixNano(), 10)))
}

// ClusterID is etcd's (membership.genID): a hash of the ids of its first members.
func ClusterID(ids []uint64) uint64 {
	sorted := slices.Sorted(slices.Values(ids))
	var all []byte
	for _, id := range sorted {
		all = binary.BigEndian.AppendUint64(all, id)
	}
	return hashID(all)
}

func hashID(b []byte) uint64 {
	sum := sha1.Sum(b)
	return max(1, binary.BigEndian.Uint64(sum[:8])) // Raft gives 0 a meaning
}

// String names the members for logs.
func (s Set) String() string {
	var names []string
	for _, m := range s.Members {
		kind := ""
		if m.Learner {
			kind = " learner"
		}
		names = append(names, fmt.Sprintf("%x=%s%s", m.ID, strings.Join(m.PeerURLs, "+"), kind))
	}
	return strings.Join(names, ", ")
}
