// Package revision builds the store as it is at a revision of its repository, and
// with faults that are planted on purpose.
//
// # Layout
//
// A Workshop is a directory that holds everything and is removed by Close:
//
//	lock         locked (flock) while the Workshop is open
//	repository   path of the repository that the worktrees belong to
//	NAME/        a worktree, detached at its revision
//
// git's account of the worktrees is in the repository. A process that is killed
// leaves both behind; the next Workshop in the same parent directory removes what
// no living process holds.
//
// # Planted faults
//
// A planted build is one with the tag of package core/plant, which has the faults and
// says how a start of the store is told of one. In any other build its hooks are
// nothing.
//
// # Layouts
//
// Another layout is the same code with its functions in another order, which the
// linker makes from a seed (-randlayout): nothing is compiled again.
package revision

import "errors"

// Errors of this package, each wrapped with what was wrong.
var (
	// ErrRepository says that a directory is in no git repository: git said so.
	ErrRepository = errors.New("revision: no git repository")
	// ErrGit says that git is missing, or refuses to work.
	ErrGit = errors.New("revision: git cannot be used")
	// ErrUnknown says that a name is no revision, or one that a shallow clone lacks.
	ErrUnknown = errors.New("revision: unknown revision")
	// ErrBuild says that a revision could not be checked out or built; wrapped with
	// the step and the end of its output, which the log holds in full.
	ErrBuild = errors.New("revision: build failed")
	// ErrSpace says that the disk has too little room.
	ErrSpace = errors.New("revision: too little disk space")
)
