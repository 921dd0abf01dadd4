package reactor

import (
	"io"
	"net"
	"testing"
)

// BenchmarkAccept is a connection from its beginning to its end, handshake included. cpu-µs is that of the process: client and
// server.
func BenchmarkAccept(b *testing.B) {
	for _, row := range []struct {
		name, addr string
		announced  bool
	}{
		{"tcp", "127.0.0.1:0", false}, {"unix", "unix", false}, {"tcp+proxy", "127.0.0.1:0", true}, {"unix+proxy", "unix", true},
	} {
		b.Run("listener="+row.name, func(b *testing.B) {
			cfg := Config{Addr: row.addr, Handler: funcs{}}
			if row.addr == "unix" {
				cfg.Addr = socketPath(b)
			}
			hello := handshakeBytes("/")
			if row.announced {
				cfg.ProxyProtocol = localPeers
				hello = append(header("198.51.100.1:1"), hello...)
			}
			s := serve(b, cfg)
			answer := make([]byte, 4096)
			b.ReportAllocs()
			before := cpuMicros()
			for b.Loop() {
				conn, err := net.Dial(s.Addr().Network(), s.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				_, _ = conn.Write(hello)
				if n, err := conn.Read(answer); n < 12 || string(answer[9:12]) != "101" {
					b.Fatalf("%q, %v", answer[:n], err)
				}
				_, _ = io.WriteString(conn, "\x88\x80\x00\x00\x00\x00")
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
			}
			b.ReportMetric(float64(cpuMicros()-before)/float64(b.N), "cpu-µs/op")
		})
	}
}
