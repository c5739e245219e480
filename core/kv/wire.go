package kv

// Form names what the bytes of a Wire are. Its values are part of the format of
// log entries, and never change.
type Form uint8

// The forms, each the protobuf wire form of a message, in the strict shape of
// package wireform.
const (
	// FormPut is a PutRequest.
	FormPut Form = 1
	// FormDelete is a DeleteRangeRequest.
	FormDelete Form = 2
	// FormPuts is a list of PutRequests, as the repeated field 1 of a message.
	FormPuts Form = 3
	// FormDeletes is a list of DeleteRangeRequests, likewise.
	FormDeletes Form = 4
	// FormCommand is a Command. No request comes in this form.
	FormCommand Form = 5
)

// Memory is the memory that bytes lie in, when it is used again: a reference to
// it keeps the bytes as they are. gRPC's mem.Buffer is one. Ref and Free may be
// called from any goroutine.
type Memory interface {
	// Ref adds a reference. The caller must have one.
	Ref()
	// Free gives one up. Without any, the bytes may not be read.
	Free()
}

// Wire is a write request in the form in which it was received.
type Wire struct {
	Form Form
	// Ops is the number of its commands, 1 or more.
	Ops int
	// Bytes is the request. It is never changed while Memory is held.
	Bytes []byte
	// Memory is what Bytes lies in. Who is given a Wire may read Bytes during the
	// call, and behind it with a reference of its own. Nil: ordinary memory, which
	// nobody uses again.
	Memory Memory
}
