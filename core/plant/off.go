//go:build !metastore_plant

package plant

// Frames is how many units of alignment a frame of the log is longer by.
const Frames = 0
