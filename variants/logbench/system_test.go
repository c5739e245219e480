package logbench

import (
	"encoding/binary"

	"metastorebench/variants"
)

// A command is a key and a value in one slice: what a put carries through a log.
// The key begins with the number of the caller, who has one put in flight; so it
// also says who waits for it.
const (
	keyBytes   = 8
	valueBytes = 256
)

// caller returns who put the command.
func caller(command []byte) int { return int(binary.BigEndian.Uint32(command)) }

// system is a log under comparison, with what is around it.
type system interface {
	// put carries command through the log and returns when it is committed, synced
	// and applied. It takes ownership of command. It is called from many
	// goroutines.
	put(command []byte) error
	// get returns the newest value of key, or nil. It is called while nobody puts.
	get(key []byte) ([]byte, error)
	// applied returns how many puts the state is made of, those before the last
	// restart included. It is called while nobody puts.
	applied() (int64, error)
	// syncs returns how often the log was synced; only differences mean something.
	syncs() (int64, error)
	// close stops the system. What it acknowledged is in dir for the next open.
	close() error
}

// opener opens a system in dir, which it makes if it does not exist, for so many
// callers.
type opener func(dir string, callers int) (system, error)

// systems are those under comparison, by the names that the records have.
var systems = []struct {
	name string
	open opener
}{
	{"metastore", metastore(nil)}, {"metastore-hash", metastore(variants.Selection{"index": "hash"})},
	{"hashicorp", openHashicorp}, {"etcd", openEtcd},
	{"tidwall-group", openTidwallGroup}, {"tidwall-each", openTidwallEach},
}

// machine is the state machine of the peers, the least that lets values be read
// back. It belongs to the goroutine that applies.
type machine struct {
	values map[[keyBytes]byte][]byte
	puts   int64
}

func newMachine() machine { return machine{values: make(map[[keyBytes]byte][]byte)} }

// apply keeps command.
func (m *machine) apply(command []byte) {
	m.values[[keyBytes]byte(command)] = command[keyBytes:]
	m.puts++
}

func (m *machine) get(key []byte) ([]byte, error) { return m.values[[keyBytes]byte(key)], nil }

func (m *machine) applied() (int64, error) { return m.puts, nil }

// answers has a channel for each caller, for whom nobody ever waits to send: a
// caller has one put in flight.
type answers []chan error

func newAnswers(callers int) answers {
	all := make(answers, callers)
	for i := range all {
		all[i] = make(chan error, 1)
	}
	return all
}

func (a answers) send(command []byte, err error) { a[caller(command)] <- err }
