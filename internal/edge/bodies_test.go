package edge

import (
	"fmt"
	"testing"
	"time"
)

// A body that never comes whole holds nothing for long, whether somebody wants it or not.
func TestBodiesThatDoNotCome(t *testing.T) {
	s := startServer(t, Config{bodyTimeout: 50 * time.Millisecond})
	for _, target := range []string{"/healthz", "/api/info", "/api/nothing", "/metrics", "/"} {
		c := dialRaw(t, s, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nhalf", target, s.Addr()))
		for c.tryRead() == nil {
		}
		c.conn.Close()
	}
	for deadline := time.Now().Add(patience); s.reactor.Stats().HTTP > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are left", s.reactor.Stats().HTTP)
		}
		time.Sleep(time.Millisecond)
	}
}
