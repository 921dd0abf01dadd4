package handshake

import (
	"runtime"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/pool"
	"github.com/wsedge/wsedge/reactor"
)

// H2: however long a head goes on, it is refused, and costs the server no memory. The test runs while no other does, and
// counts all that the process allocates, its own client included.
func TestH2EndlessHead(t *testing.T) {
	const (
		streamed = 16 << 20
		allowed  = 512 << 10
	)
	s := serve(t, reactor.Config{LingerTimeout: patience, Loops: 1})
	for _, row := range []struct{ name, head, again, want string }{
		{"request line", "GET /", "a", "414 request_line_too_long"},
		{"method", "", "G", "414 request_line_too_long"},
		{"header value", requestLine + hostLine + "A: ", "a", "431 head_too_big"},
		{"header name", requestLine + hostLine, "a", "431 head_too_big"},
		{"header lines", requestLine + hostLine, "A: b\r\n", "431 too_many_headers"},
		{"upgrade and header lines", strings.TrimSuffix(upgrade, "\r\n"), "A: b\r\n", "431 too_many_headers"},
	} {
		t.Run("H2/"+row.name, func(t *testing.T) {
			chunk := []byte(strings.Repeat(row.again, 64<<10/len(row.again)))
			p := connect(t, s.Addr())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			written := make(chan struct{})
			go func() {
				defer close(written)
				_, err := p.Write([]byte(row.head))
				for n := 0; n < streamed && err == nil; n += len(chunk) {
					_, err = p.Write(chunk)
				}
			}()
			p.wantRefusal(row.want, false)
			<-written
			p.Close()
			eventually(t, "the conn gone", func() bool { return s.Stats().Connections == 0 })
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > allowed {
				t.Errorf("%d bytes were allocated while %d were streamed, want at most %d", n, streamed, allowed)
			}
		})
	}
}

// H2: a head that is not whole costs one buffer, whatever its pieces, and none once it is refused or gone.
func TestH2PartialHeadsAreBounded(t *testing.T) {
	const conns, allowedEach = 200, 32 << 10
	s := serve(t, reactor.Config{})
	part := headOf(9000)[:8191]
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peers := make([]*peer, conns)
	for i := range peers {
		peers[i] = connect(t, s.Addr())
	}
	for piece := range 8 {
		for _, p := range peers {
			p.write(part[piece*1024 : min((piece+1)*1024, len(part))])
		}
		taken(t, s, conns*min((piece+1)*1024, len(part)))
	}
	if n := pool.Outstanding().Buffers; n > conns {
		t.Errorf("%d buffers for %d heads", n, conns)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > conns*allowedEach {
		t.Errorf("%d bytes for %d heads, want at most %d each", n, conns, allowedEach)
	}
	for i, p := range peers {
		p.write("a") // 8192 bytes, and no end
		if i%2 == 0 {
			p.wantRefusal("431 head_too_big", false)
		}
		p.Close()
	}
	eventually(t, "no buffer held", func() bool { return pool.Outstanding() == pool.Ledger{} })
}
