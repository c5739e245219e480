package transport

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// protocolVersion is that of greeting and frames.
const protocolVersion = 1

const (
	greetingMagic       = "MSPEER\r\n"
	greetingHeaderBytes = len(greetingMagic) + 2 + 2
)

// Reasons for which a member refuses to talk to another. They cross the wire: the
// one who was refused gets the same sentinel, wrapped with the other's words.
var (
	// ErrVersion says that the two speak different versions of the protocol.
	ErrVersion = errors.New("transport: the peer speaks another protocol version")
	// ErrForeign says that the other side is no metastore peer at all.
	ErrForeign = errors.New("transport: the other side is not a metastore peer")
	// ErrCluster says that the two belong to different clusters.
	ErrCluster = errors.New("transport: the peer belongs to another cluster")
	// ErrMisdirected says that the one who was dialled is not who was meant.
	ErrMisdirected = errors.New("transport: another member answers at this address")
	// ErrUnknownMember says that the cluster has no member with the dialler's id.
	ErrUnknownMember = errors.New("transport: not a member of the cluster")
	// ErrRemoved says that the dialler was removed from the cluster.
	ErrRemoved = errors.New("transport: removed from the cluster")
	// ErrStale says that the dialler's data directory is not the one with which
	// the member has run before.
	ErrStale = errors.New("transport: the member's data directory is not the one it ran with before")
	// ErrLease says that the two do not agree on leases, so that neither could rely
	// on the other's word.
	ErrLease = errors.New("transport: the members must agree on leases")
	// ErrBusy says that the one who was dialled cannot take more at present.
	ErrBusy = errors.New("transport: the peer is busy")
	// ErrRefused says that the peer gave another reason.
	ErrRefused = errors.New("transport: refused by the peer")
	// ErrClosing says that the peer is stopping.
	ErrClosing = errors.New("transport: the peer is stopping")
)

// refusals names the sentinels on the wire.
var refusals = map[string]error{
	"version": ErrVersion, "cluster": ErrCluster, "misdirected": ErrMisdirected, "unknown": ErrUnknownMember,
	"removed": ErrRemoved, "stale": ErrStale, "lease": ErrLease, "busy": ErrBusy, "closing": ErrClosing,
}

// refusal is why a connection ends, on the wire.
type refusal struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

func newRefusal(err error) *refusal {
	for code, sentinel := range refusals {
		if errors.Is(err, sentinel) {
			return &refusal{Code: code, Text: err.Error()}
		}
	}
	return &refusal{Text: err.Error()}
}

func (r *refusal) err() error {
	sentinel, ok := refusals[r.Code]
	if !ok {
		sentinel = ErrRefused
	}
	return fmt.Errorf("%w (the peer says: %s)", sentinel, r.Text)
}

// The kinds of connections.
const (
	kindMessages = "messages"
	kindSnapshot = "snapshot"
	kindQuestion = "question"
)

// Identity is what a member says of itself to its peers.
type Identity struct {
	ClusterID uint64 `json:"cluster_id"`
	MemberID  uint64 `json:"member_id"`
	// Instance is that of the data directory.
	Instance uint64 `json:"instance"`
	// MembershipIndex is the log index of the membership that the member knows.
	MembershipIndex uint64 `json:"membership_index"`
	// Lease is how long a lease of the member's lasts, and for how long it supports
	// that of another; 0 if it serves no reads by lease. All members must agree.
	Lease time.Duration `json:"lease_ns,omitempty"`
	// PeerURL is where the member is reached.
	PeerURL string `json:"peer_url"`
}

// greeting is the JSON body of a greeting: the dialler's, or the answer to it.
type greeting struct {
	From Identity `json:"from"`
	// To is the member that is meant, 0 for whoever answers.
	To      uint64   `json:"to,omitempty"`
	Kind    string   `json:"kind,omitempty"`
	Refusal *refusal `json:"refusal,omitempty"`
}

func writeGreeting(w io.Writer, version uint16, g greeting) error {
	body, err := json.Marshal(g)
	if err != nil {
		return err
	}
	if len(body) > math.MaxUint16 {
		return fmt.Errorf("transport: greeting of %d bytes, at most %d", len(body), math.MaxUint16)
	}
	b := append(make([]byte, 0, greetingHeaderBytes+len(body)), greetingMagic...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(body)))
	_, err = w.Write(append(b, body...))
	return err
}

// readGreeting reads a greeting of any version: an error of ErrVersion comes with
// one whose fields may mean something else.
func readGreeting(r io.Reader) (g greeting, err error) {
	header := make([]byte, greetingHeaderBytes)
	if n, err := io.ReadFull(r, header); err != nil && (n < len(greetingMagic) || string(header[:len(greetingMagic)]) == greetingMagic) {
		return g, fmt.Errorf("transport: no greeting: %w", err)
	}
	if magic := header[:len(greetingMagic)]; string(magic) != greetingMagic {
		return g, fmt.Errorf("%w: it begins with %q, want %q", ErrForeign, magic, greetingMagic)
	}
	version := binary.LittleEndian.Uint16(header[len(greetingMagic):])
	body := make([]byte, binary.LittleEndian.Uint16(header[len(greetingMagic)+2:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return g, fmt.Errorf("transport: greeting cut short: %w", err)
	}
	if version != protocolVersion {
		return g, fmt.Errorf("%w: version %d, accepted: %d", ErrVersion, version, protocolVersion)
	}
	if err := json.Unmarshal(body, &g); err != nil {
		return g, fmt.Errorf("%w: greeting: %w", ErrForeign, err)
	}
	return g, nil
}
