// Package enginetest is the conformance suite of the axis --engine. Run drives
// an engine and a dumb oracle, a sorted slice, side by side and compares all
// that can be read: through views, through the open batch, and as snapshot
// streams, which must equal the oracle's byte for byte. That makes a snapshot
// of any engine that passes one of every other. RunVisits is the part that the
// values of the axis --key-index differ in.
package enginetest
