//go:build unix

package edge

import (
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// BenchmarkRecovery has a client come back and recover 100 publications of 100 bytes, by its socket: cpu-µs/op is the CPU time of the process,
// user and system, for subscribe and unsubscribe, the history, and all of it through the socket. The client's part, which reads
// without looking, is in it.
func BenchmarkRecovery(b *testing.B) {
	for _, n := range []int{0, 100} {
		b.Run(fmt.Sprintf("publications=%d", n), func(b *testing.B) { benchmarkRecovery(b, n) })
	}
}

func benchmarkRecovery(b *testing.B, n int) {
	s := startServer(b, Config{Namespaces: keeping(1000, nil), Loops: 1})
	payloads := make([]string, 500)
	for i := range payloads {
		payloads[i] = `"` + strings.Repeat("x", 98) + `"`
	}
	epoch := publishAll(b, s, payloads...)
	c := greet(b, s)
	subscribe := recoverFrom(epoch, uint64(len(payloads)-n))
	c.say(subscribe)
	last := "" // message of the answer
	for range n + 1 {
		last = c.hear()
	}
	// A subscription that is not complete could not be left: so the one of before is.
	request := frames(`{"type":"unsubscribe","channel":"news"}`, subscribe)
	c.write(request)
	size := 0
	for range n + 2 {
		last = c.hear()
		size += len(frame.AppendFrame(nil, frame.OpText, []byte(last)))
	}
	answer := make([]byte, size)
	if err := c.conn.SetDeadline(time.Now().Add(10 * patience)); err != nil {
		b.Fatal(err)
	}
	before := cpuTime(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c.conn, answer); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	if !strings.HasSuffix(string(answer), last) {
		b.Fatalf("the answer ends with %q", answer[max(0, len(answer)-len(last)):])
	}
}

// cpuTime is what the process has used.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
