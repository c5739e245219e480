// Package waltest is the conformance suite of wal.Policy and the oracle for
// tests of the log itself.
//
// The oracle is a list of whole states, one for each frame that was ever given
// to the log, kept by copying. After a power cut, what is recovered has to equal
// the state after some frame that is no older than the last acknowledged one:
// nothing acknowledged is lost, and what is left is a prefix of what was written.
package waltest
