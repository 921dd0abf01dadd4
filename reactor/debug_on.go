//go:build wsedge_debug

package reactor

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
)

// debugEnabled tells tests which build this is.
const debugEnabled = true

// owner is the goroutine that a loop runs on, by its number.
type owner struct{ goroutine uint64 }

func currentOwner() owner { return owner{goroutineNumber()} }

// check panics on any goroutine but the owner.
func (o owner) check() {
	if n := goroutineNumber(); n != o.goroutine {
		panic(fmt.Sprintf("reactor: goroutine %d calls what belongs to the loop on goroutine %d", n, o.goroutine))
	}
}

// goroutineNumber reads it off the stack trace, which begins with "goroutine 12 [running]:".
func goroutineNumber() uint64 {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	fields := bytes.Fields(line)
	n, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		panic("reactor: no goroutine number in " + string(line))
	}
	return n
}
