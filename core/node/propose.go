package node

import (
	"context"

	"metastorebench/core/kv"
	"metastorebench/core/propose"
)

// This file is the beginning of the write path.

// proposerOptions are what the Proposer is told beside the axes' values.
func (n *Node) proposerOptions() []propose.Option {
	metrics := n.opts.Metrics
	options := []propose.Option{
		propose.WithCopies(func(at propose.Copy, bytes int) { metrics.Copied(string(at), bytes) }),
	}
	if n.opts.Pool {
		options = append(options, propose.WithPool())
	}
	return options
}

// Propose implements api.Store.
func (n *Node) Propose(ctx context.Context, cmd *kv.Command) (kv.Result, error) {
	return n.proposer.Do(ctx, cmd)
}

// ProposeBatch implements api.Store.
func (n *Node) ProposeBatch(ctx context.Context, cmds []*kv.Command) ([]kv.Result, error) {
	return n.proposer.DoBatch(ctx, cmds)
}

// ProposeEach implements api.Store.
func (n *Node) ProposeEach(submissions []kv.Submission, sink kv.Sink) {
	n.proposer.DoEach(submissions, sink)
}

// TakesWire implements api.WireStore: it says whether the codec is one that
// takes requests as they were received.
func (n *Node) TakesWire() bool { return n.proposer.TakesWire() }

// ProposeWire implements api.WireStore.
func (n *Node) ProposeWire(ctx context.Context, w kv.Wire) (kv.Result, error) {
	return n.proposer.DoWire(ctx, w)
}

// ProposeWireBatch implements api.WireStore.
func (n *Node) ProposeWireBatch(ctx context.Context, w kv.Wire) ([]kv.Result, error) {
	return n.proposer.DoWireBatch(ctx, w)
}
