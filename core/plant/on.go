//go:build metastore_plant

package plant

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Variable is the environment variable with the fault.
const Variable = "METASTORE_PLANT"

// The faults; see the package's documentation.
var (
	Delay       time.Duration // CPU time of each write
	Allocations int           // of 32 bytes, of each write
	Frames      int           // units of alignment
	Parts       = 1           // that a batch is proposed in, one after another
)

func init() {
	if err := read(os.Getenv(Variable)); err != nil {
		panic(err)
	}
}

// read sets the fault of the variable's text.
func read(text string) (err error) {
	if text == "" {
		return nil
	}
	name, size, _ := strings.Cut(text, "=")
	switch name {
	case "delay":
		Delay, err = time.ParseDuration(size)
	case "allocations":
		Allocations, err = strconv.Atoi(size)
	case "frames":
		Frames, err = strconv.Atoi(size)
	case "parts":
		Parts, err = strconv.Atoi(size)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || Delay < 0 || Allocations < 0 || Frames < 0 || Parts < 1 {
		return fmt.Errorf("plant: %s is %q; accepted: delay=DURATION, allocations=N, frames=N, parts=N", Variable, text)
	}
	return nil
}
