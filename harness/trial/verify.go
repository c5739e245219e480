package trial

import (
	"context"
	"fmt"
	"time"

	"metastorebench/harness/check"
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
	if err := t.catchUp(ctx); err != nil {
		return fmt.Errorf("wait for reads as new as the writes: %w", err)
	}
	last, err := t.scan(ctx)
	if err != nil {
		return fmt.Errorf("read the whole store: %w", err)
	}
	t.add(t.model.Linearizable(searchTimeout))
	if t.target.kind == targetExternal {
		return nil // other clients may write too, and there are no counters
	}
	t.add(t.model.Revisions(t.first, last))
	c, err := t.target.scrape(ctx)
	if err != nil {
		return err
	}
	t.record.Mechanism.TotalAppliedOps = c.TotalAppliedOps
	t.add(t.model.Applied(c.TotalAppliedOps))
	return nil
}

func (t *trial) add(c record.Check) { t.record.Checks = append(t.record.Checks, c) }

// catchUpPoll is how often a store with stale reads is asked how far it has come.
const catchUpPoll = 5 * time.Millisecond

// catchUp waits until the store's reads, if they may be stale, have reached all
// that was answered.
func (t *trial) catchUp(ctx context.Context) error {
	if t.record.Effective[record.OptionConsistency] != record.ConsistencyStale {
		return nil
	}
	client, key := t.target.admin.Handle(0), t.work.AppendKey(nil, 0)
	for {
		_, revision, err := client.Get(ctx, key)
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
// revision. Pages end at keys of the workload, not by a limit: a store may have to
// count all keys behind one.
func (t *trial) scan(ctx context.Context) (revision int64, err error) {
	client, scan := t.target.admin.Handle(0), t.model.Scan()
	pageKeys := max(1, pageBytes/(t.work.KeyBytes+t.work.ValueBytes))
	from, last := t.target.bounds(t.work)
	for next := pageKeys; ; next += pageKeys {
		to := last
		if next < t.work.Keys {
			to = t.work.AppendKey(nil, next)
		}
		page, err := client.Range(ctx, from, to, 0)
		if err != nil {
			return 0, err
		}
		scan.Add(page.Pairs)
		if next >= t.work.Keys {
			t.add(scan.Finish())
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
