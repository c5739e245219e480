package logbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/etcd/pkg/v3/pbutil"
	etcdwal "go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// What etcd's server keeps in memory behind the applied index, and how often it
// drops the rest.
const (
	etcdCatchUpEntries = 5000
	etcdCompactEvery   = 100
)

// etcd is etcd's raft library on etcd's log, in a loop like raftexample's, which
// hands over what is committed before it syncs what is new, as etcd's server does.
type etcd struct {
	machine
	answers
	node    raft.Node
	storage *raft.MemoryStorage
	log     *etcdwal.WAL

	// recovered is the last index of the log when it was opened: what is behind
	// it has somebody who waits.
	recovered uint64
	// stable is the last index that is synced; it belongs to the loop.
	stable uint64
	// committed goes from the loop to the goroutine that applies.
	committed chan []*raftpb.Entry
	leads     chan struct{} // closed when this member has applied an entry of its own term
	leadsOnce sync.Once

	stop    chan struct{}
	running sync.WaitGroup
}

func openEtcd(dir string, callers int) (system, error) {
	e := &etcd{
		machine: newMachine(), answers: newAnswers(callers), storage: raft.NewMemoryStorage(),
		committed: make(chan []*raftpb.Entry, 64), leads: make(chan struct{}), stop: make(chan struct{}),
	}
	config := &raft.Config{
		ID: 1, ElectionTick: 10, HeartbeatTick: 1, Storage: e.storage, CheckQuorum: true, PreVote: true,
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 512,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	}
	if !etcdwal.Exist(dir) {
		var err error
		if e.log, err = etcdwal.Create(zap.NewNop(), dir, nil); err != nil {
			return nil, err
		}
		e.node = raft.StartNode(config, []raft.Peer{{ID: config.ID}})
	} else {
		if err := e.recover(dir); err != nil {
			return nil, err
		}
		e.node = raft.RestartNode(config)
	}
	e.running.Go(e.loop)
	e.running.Go(e.applyLoop)
	select {
	case <-e.leads:
		return e, nil
	case <-time.After(startTimeout):
		return nil, errors.Join(errors.New("etcd's raft does not lead"), e.close())
	}
}

func (e *etcd) recover(dir string) error {
	var err error
	if e.log, err = etcdwal.Open(zap.NewNop(), dir, &walpb.Snapshot{Index: new(uint64), Term: new(uint64)}); err != nil {
		return err
	}
	_, state, entries, err := e.log.ReadAll()
	if err != nil {
		return errors.Join(err, e.log.Close())
	}
	if len(entries) > 0 {
		e.recovered = entries[len(entries)-1].GetIndex()
		e.stable = e.recovered
	}
	return errors.Join(e.storage.SetHardState(state), e.storage.Append(entries))
}

func (e *etcd) put(command []byte) error {
	if err := e.node.Propose(context.Background(), command); err != nil {
		return err
	}
	return <-e.answers[caller(command)]
}

// loop is the Raft loop. As in raftexample, an error ends the program.
func (e *etcd) loop() {
	defer close(e.committed)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.node.Tick()
		case rd := <-e.node.Ready():
			if err := e.handle(&rd); err != nil {
				panic(fmt.Sprintf("etcd's raft: %v", err))
			}
		case <-e.stop:
			return
		}
	}
}

// handle does what a Ready asks for. A lone leader commits nothing that it has not
// synced, so puts are handed over before the sync of those behind them; only the
// change that makes the member a voter comes with its own Ready.
func (e *etcd) handle(rd *raft.Ready) error {
	committed := rd.CommittedEntries
	early := len(committed) > 0 && committed[len(committed)-1].GetIndex() <= e.stable
	if early {
		e.committed <- committed
	}
	if err := e.log.Save(rd.HardState, rd.Entries); err != nil {
		return err
	}
	if err := e.storage.Append(rd.Entries); err != nil {
		return err
	}
	if n := len(rd.Entries); n > 0 {
		e.stable = rd.Entries[n-1].GetIndex()
	}
	if len(committed) > 0 && !early {
		e.committed <- committed
	}
	changed := e.changeMembers(committed)
	e.node.Advance()
	if changed { // it may stand now, and nobody else will
		return e.node.Campaign(context.Background())
	}
	return nil
}

func (e *etcd) changeMembers(committed []*raftpb.Entry) (changed bool) {
	for _, entry := range committed {
		if entry.GetType() == raftpb.EntryConfChange {
			cc := new(raftpb.ConfChange)
			pbutil.MustUnmarshalMessage(cc, entry.Data)
			e.node.ApplyConfChange(cc)
			changed = true
		}
	}
	return changed
}

// applyLoop applies what is committed, answers, and drops what is far behind.
func (e *etcd) applyLoop() {
	var compacted uint64
	for entries := range e.committed {
		for _, entry := range entries {
			e.applyEntry(entry)
		}
		applied := entries[len(entries)-1].GetIndex()
		if applied < compacted+etcdCatchUpEntries+etcdCompactEvery {
			continue
		}
		compacted = applied - etcdCatchUpEntries
		if err := e.storage.Compact(compacted); err != nil {
			panic(fmt.Sprintf("etcd's raft: %v", err))
		}
	}
}

func (e *etcd) applyEntry(entry *raftpb.Entry) {
	switch {
	case entry.GetType() != raftpb.EntryNormal:
	case len(entry.Data) > 0:
		e.apply(entry.Data)
		if entry.GetIndex() > e.recovered {
			e.send(entry.Data, nil)
		}
	case entry.GetIndex() > e.recovered: // a new leader's first entry is empty
		e.leadsOnce.Do(func() { close(e.leads) })
	}
}

// syncs reads the counter of etcd's log, which is the process's.
func (e *etcd) syncs() (int64, error) {
	const name = "etcd_disk_wal_fsync_duration_seconds"
	families, err := prometheus.DefaultGatherer.Gather()
	for _, f := range families {
		if f.GetName() == name {
			return int64(f.GetMetric()[0].GetHistogram().GetSampleCount()), err
		}
	}
	return 0, errors.Join(err, fmt.Errorf("etcd's metrics have no %s", name))
}

func (e *etcd) close() error {
	close(e.stop)
	e.running.Wait()
	e.node.Stop()
	return e.log.Close()
}
