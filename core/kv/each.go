package kv

// Submission is a command that is proposed by itself, without a caller that
// waits for it.
type Submission struct {
	// Token is the proposer's own name for the command. Its Answer bears it.
	Token   uint64
	Command *Command
	// Wire is the request as it was received, one command of it, and stands in
	// Command's place if it has Bytes. Only a store that says that it takes such
	// requests is given any.
	Wire Wire
}

// Answer is the outcome of the Submission with the same Token. With Err set, or
// Result.Err, the command was not carried out, or Unknown holds.
type Answer struct {
	Token  uint64
	Result Result
	Err    error
}

// Sink takes the answers of Submissions: one for each, in any order.
type Sink interface {
	// Answered is given one or more answers, which are its own only during the
	// call. It is called on the goroutines that drive the store, one of which
	// may be that of the proposing call itself, so it must not block.
	Answered(answers []Answer)
}
