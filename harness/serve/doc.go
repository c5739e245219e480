// Package serve shows the runs of a folder in a browser, and the run in progress live.
//
//	/                       the runs, newest first
//	/run/NAME/              the page of a run (package page)
//	/run/NAME/results.json  its facts
//
// # How a page comes to be
//
//  1. The folder is listed anew for each request: folders with a manifest, at most two
//     levels deep. A request names a run of that list, and never a path: what is not in
//     the list is not found, and symbolic links are not followed.
//  2. The facts are read from results.json if it is no older than the records, and made
//     from the records otherwise.
//  3. The page is kept, with an ETag, until a file of the run changes; that of a run in
//     progress for at least RemakeAfter. The page asks for itself every few seconds, and
//     is mostly told that nothing changed.
//
// # What is protected
//
// It is meant for the machine it runs on. A request whose Host is a name, but for
// localhost and that of the address it was told to serve on, is refused: a page of
// another site can make a browser resolve its own name to this machine (DNS rebinding),
// but then that name is the Host. Only GET and HEAD are answered, nothing is written.
// Pages are made one at a time, and a few are kept. There is no login: who can reach the
// address reads the runs.
package serve
