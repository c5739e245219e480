package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"metastorebench/core/member"
	"metastorebench/core/raftnode"
	"metastorebench/core/transport"
	"metastorebench/core/wal"
)

// ErrJoin says that a member cannot join the cluster that it names: nobody
// answers, or those who do have not been told of it.
var ErrJoin = errors.New("node: cannot join the cluster")

// question is what one node asks another on the peer port.
type question struct {
	// Op is "members" or "promote".
	Op string `json:"op"`
	ID uint64 `json:"id,omitempty"`
}

// answer to a question. Refused names one of package member's errors.
type answer struct {
	ClusterID uint64     `json:"cluster_id,omitempty"`
	Members   member.Set `json:"members"`
	Refused   string     `json:"refused,omitempty"`
	Text      string     `json:"text,omitempty"`
}

// refusals are the errors that cross the wire in an answer.
var refusals = map[string]error{
	"not leader": raftnode.ErrNotLeader, "not found": member.ErrNotFound, "not learner": member.ErrNotLearner,
	"not ready": member.ErrLearnerNotReady, "removed": member.ErrRemoved, "not enough started": member.ErrNotEnoughStarted,
}

func (n *Node) answer(ctx context.Context, data []byte) ([]byte, error) {
	var q question
	if err := json.Unmarshal(data, &q); err != nil {
		return nil, fmt.Errorf("node: question: %w", err)
	}
	a := answer{ClusterID: n.id.ClusterID, Members: *n.known.Load()}
	switch q.Op {
	case "members":
	case "promote":
		members, err := n.promote(ctx, q.ID)
		if err == nil {
			a.Members = members
			break
		}
		a.Text = err.Error()
		for name, sentinel := range refusals {
			if errors.Is(err, sentinel) {
				a.Refused = name
			}
		}
		if a.Refused == "" {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("node: question %q, accepted: members, promote", q.Op)
	}
	return json.Marshal(a)
}

func (n *Node) ask(ctx context.Context, peerURL string, q question) (a answer, err error) {
	data, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if data, err = transport.Ask(ctx, n.opts.PeerClientTLS, peerURL, data); err != nil {
		return a, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("node: answer of %s: %w", peerURL, err)
	}
	if sentinel, refused := refusals[a.Refused]; refused {
		return a, fmt.Errorf("%w (the leader says: %s)", sentinel, a.Text)
	}
	return a, nil
}

// identify finds out who this node is: what its options say, or, when it joins,
// its data directory or the cluster.
func (n *Node) identify(ctx context.Context, have *meta) (err error) {
	switch {
	case !n.opts.Join:
		n.id = n.opts.identity()
	case have != nil:
		n.id, err = have.identity()
	default:
		var a answer
		if a, err = n.askCluster(ctx); err != nil {
			return err
		}
		self, err := n.invited(a)
		if err != nil {
			return err
		}
		n.id = wal.Identity{ClusterID: a.ClusterID, NodeID: self.ID}
	}
	return err
}

// askCluster asks the members, one after another, who belongs to the cluster.
func (n *Node) askCluster(ctx context.Context) (answer, error) {
	var errs []error
	for name, url := range n.opts.Members {
		if name == n.opts.Name {
			continue
		}
		a, err := n.ask(ctx, url, question{Op: "members"})
		if err == nil {
			return a, nil
		}
		errs = append(errs, fmt.Errorf("%s at %s: %w", name, url, err))
	}
	return answer{}, fmt.Errorf("%w: no member answers: %w", ErrJoin, errors.Join(errs...))
}

// invited finds this member among those that the cluster has been told of.
func (n *Node) invited(a answer) (member.Member, error) {
	url := n.opts.Members[n.opts.Name]
	for _, m := range a.Members.Members {
		if !slices.Contains(m.PeerURLs, url) {
			continue
		}
		if m.Instance != 0 {
			return m, fmt.Errorf("%w: member %x at %s has run before, with another data directory; remove the member and add it again", ErrJoin, m.ID, url)
		}
		return m, nil
	}
	return member.Member{}, fmt.Errorf("%w: cluster %x has no member with the peer URL %s (it has %s); add it first",
		ErrJoin, a.ClusterID, url, a.Members)
}

// learnMembers asks who the peers are, for a member that has no snapshot yet.
func (n *Node) learnMembers(ctx context.Context) error {
	a, err := n.askCluster(ctx)
	if err != nil {
		return err
	}
	if a.ClusterID != n.id.ClusterID {
		return fmt.Errorf("%w: the data directory is of cluster %x, the members are of %x", ErrDataDir, n.id.ClusterID, a.ClusterID)
	}
	n.known.Store(&a.Members)
	return nil
}
