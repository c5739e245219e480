package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/load"
	"metastorebench/harness/record"
)

// pageBytes is about the size of one page of the scan at the end. Large pages:
// a store with an unordered index looks at all keys for each.
const pageBytes = 16 << 20

// verify makes the checks that need the store. Their outcomes are in the record;
// the error says that a check could not be made.
func (t *trial) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, scanTimeout(t.work.Keys))
	defer cancel()
	t.add(check.Errors(t.record.Ops))
	t.add(t.model.Answers())
	if t.target.kind == targetNoop {
		return nil
	}
	if err := t.catchUp(ctx, t.target.admin.Handle(0)); err != nil {
		return fmt.Errorf("wait for reads as new as the writes: %w", err)
	}
	last, err := t.scan(ctx)
	if err != nil {
		return fmt.Errorf("read the whole store: %w", err)
	}
	if t.contends() {
		t.add(t.model.Linearizable(keyTimeout))
	} else {
		t.add(check.Uncontended("the cell has " + record.OptionContend + "=" + record.ContendOff))
	}
	if t.target.kind == targetExternal {
		return nil // other clients may write too, and there are no counters
	}
	t.add(t.model.Revisions(t.first, last))
	c, err := t.target.scrape(ctx)
	if err != nil {
		return err
	}
	t.record.Mechanism.TotalAppliedOps = c.TotalAppliedOps
	t.add(t.model.Applied(c.TotalAppliedOps, t.target.kind == targetMetastore))
	return t.replicas(ctx)
}

// contends reports whether clients contend for keys in this trial.
func (t *trial) contends() bool {
	return t.target.kind != targetNoop && t.Cell.Options[record.OptionContend] != record.ContendOff
}

// contend has clients contend for keys, when what is measured has ended.
func (t *trial) contend(ctx context.Context) error {
	if !t.contends() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, contendTimeout)
	defer cancel()
	return load.Contend(ctx, t.load())
}

// replicas compares what the members of a cluster hold, when each has caught up
// with what was answered: its reads are linearizable, or it is waited for.
func (t *trial) replicas(ctx context.Context) error {
	if len(t.target.procs) < 2 {
		return nil
	}
	var contents []check.Content
	for i, p := range t.target.procs {
		c, err := t.contentOf(ctx, p.Ready.Client)
		if err != nil {
			return fmt.Errorf("read the whole of member %d: %w", i, err)
		}
		contents = append(contents, c)
	}
	t.add(check.Replicas(contents))
	return nil
}

// contentOf reads all pairs of the member at host:port.
func (t *trial) contentOf(ctx context.Context, endpoint string) (check.Content, error) {
	pool, err := client.Dial(client.Options{Endpoint: endpoint})
	if err != nil {
		return check.Content{}, err
	}
	var c check.Content
	store := pool.Handle(0)
	if err = t.catchUp(ctx, store); err == nil {
		c.Revision, err = t.read(ctx, store, c.Add)
	}
	return c, errors.Join(err, pool.Close())
}

func (t *trial) add(c record.Check) { t.record.Checks = append(t.record.Checks, c) }

// catchUpPoll is how often a store with stale reads is asked how far it has come.
const catchUpPoll = 5 * time.Millisecond

// catchUp waits until the store's reads, if they may be stale, have reached all
// that was answered.
func (t *trial) catchUp(ctx context.Context, store client.KV) error {
	if t.record.Effective[record.OptionConsistency] != record.ConsistencyStale {
		return nil
	}
	key := t.work.AppendKey(nil, 0)
	for {
		_, revision, err := store.Get(ctx, key)
		if err != nil || revision >= t.model.Newest() {
			return err
		}
		select {
		case <-time.After(catchUpPoll):
		case <-ctx.Done():
			return fmt.Errorf("at revision %d of %d: %w", revision, t.model.Newest(), ctx.Err())
		}
	}
}

// scan compares the whole content with the model and returns the store's
// revision.
func (t *trial) scan(ctx context.Context) (revision int64, err error) {
	scan := t.model.Scan()
	if revision, err = t.read(ctx, t.target.admin.Handle(0), scan.Add); err == nil {
		t.add(scan.Finish())
	}
	return revision, err
}

// read gives all pairs of the trial's keys to each, in key order, and returns the
// revision of the last page. Pages end at keys of the workload, not by a limit: a
// store may have to count all keys behind one.
func (t *trial) read(ctx context.Context, store client.KV, each func([]*mvccpb.KeyValue)) (revision int64, err error) {
	pageKeys := max(1, pageBytes/(t.work.KeyBytes+t.work.ValueBytes))
	from, last := t.target.bounds(t.work)
	for next := pageKeys; ; next += pageKeys {
		to := last
		if next < t.work.AllKeys() {
			to = t.work.AppendKey(nil, next)
		}
		page, err := store.Range(ctx, from, to, 0)
		if err != nil {
			return 0, err
		}
		each(page.Pairs)
		if next >= t.work.AllKeys() {
			return page.Revision, nil
		}
		from = to
	}
}

// tidy removes the trial's keys from an external target that was found empty,
// also when the trial has failed or ctx has ended.
func (t *trial) tidy(ctx context.Context) error {
	if t.target.kind != targetExternal || t.first == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), scanTimeout(t.work.Keys))
	defer cancel()
	start, end := t.target.bounds(t.work)
	if _, _, err := t.target.admin.Handle(0).Delete(ctx, start, end); err != nil {
		return fmt.Errorf("remove the trial's keys: %w", err)
	}
	return nil
}
