package reactor

import (
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// mallocs counts the allocations of the whole process while f runs.
func mallocs(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// What a delivery allocates would be multiplied by the subscribers; what a publication allocates is not.
func TestDeliveryAllocatesNothing(t *testing.T) {
	if raceEnabled || debugEnabled {
		t.Skip("the race detector and the debug build allocate on their own")
	}
	const subscribers, publications = 100, 200
	s, topic, _ := onTopic(t, Config{}, TopicOptions{})
	payload := make([]byte, 120)
	size := frame.HeaderBytes(len(payload)) + len(payload)
	var readers sync.WaitGroup
	var conns []net.Conn
	for range subscribers {
		conns = append(conns, dialReady(t, s).Conn)
	}
	publish := func() {
		for _, c := range conns {
			readers.Go(func() { _, _ = io.CopyN(io.Discard, c, int64(publications*size)) })
		}
		for range publications {
			_, _ = topic.Broadcast(frame.OpBinary, payload)
		}
		readers.Wait()
	}
	publish() // warms the pools
	n := mallocs(publish)
	perDelivery := float64(n) / (subscribers * publications)
	t.Logf("%d allocations in %d deliveries of %d publications", n, subscribers*publications, publications)
	if perDelivery > 0.2 { // the publications, and the readers' goroutines
		t.Errorf("%.2f allocations per delivery", perDelivery)
	}
}

func TestReceivedFrameAllocatesNothing(t *testing.T) {
	if raceEnabled || debugEnabled {
		t.Skip("the race detector and the debug build allocate on their own")
	}
	const frames = 20_000
	got := make(chan struct{})
	count := 0
	s := serve(t, Config{Loops: 1, Handler: funcs{message: func(*Conn, frame.Opcode, []byte) {
		if count++; count%frames == 0 {
			got <- struct{}{}
		}
	}}})
	c := dial(t, s, "/")
	var in []byte
	for range frames {
		in = frame.AppendMaskedFrame(in, frame.OpText, []byte("a small message"), [4]byte{1, 2, 3, 4})
	}
	send := func() {
		_, _ = c.Write(in)
		<-got
	}
	send()
	if n := mallocs(send); n > frames/100 {
		t.Errorf("%d allocations for %d frames", n, frames)
	}
}
