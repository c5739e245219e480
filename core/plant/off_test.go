//go:build !metastore_plant

package plant

import "testing"

// A size of an array is a constant: without the tag Frames is one, and 0, so that the
// compiler leaves out what adds it.
var _ [0]struct{} = [Frames]struct{}{}

func TestNothingIsPlanted(t *testing.T) {
	if testing.AllocsPerRun(1, func() { _ = Frames }) != 0 {
		t.Fatal("a constant costs nothing")
	}
}
