package reactor

import (
	"bytes"
	"net"
	"net/http"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkUpgrade opens WebSockets by the own listener and by net/http. The client is a bare socket, so that bytes/conn is what
// the server keeps of an open connection, and the time per operation is the server's but for four system calls.
func BenchmarkUpgrade(b *testing.B) {
	b.Run("by=listener", func(b *testing.B) {
		s := serve(b, Config{Handler: echo})
		benchmarkUpgrade(b, s.Addr().(*net.TCPAddr))
	})
	b.Run("by=nethttp", func(b *testing.B) {
		s := serveFed(b, Config{Handler: echo})
		benchmarkUpgrade(b, feed(b, s, false).Listener.Addr().(*net.TCPAddr))
	})
	b.Run("by=bridge", func(b *testing.B) {
		s := serveFed(b, Config{Handler: echo})
		benchmarkUpgrade(b, feedWrapped(b, s).Listener.Addr().(*net.TCPAddr))
	})
}

// BenchmarkUpgradeFloor is what net/http itself takes: a goroutine per connection writes a ready answer and waits for the end.
func BenchmarkUpgradeFloor(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n"))
		_, _ = conn.Read(make([]byte, 1))
	})
	benchmarkUpgrade(b, feed(b, h, false).Listener.Addr().(*net.TCPAddr))
}

// benchmarkKept is how many connections stay open for bytes/conn.
const benchmarkKept = 1000

func benchmarkUpgrade(b *testing.B, addr *net.TCPAddr) {
	in, buf := handshakeBytes("/"), make([]byte, 4096)
	open := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}); err != nil {
			b.Fatal(err)
		}
		if _, err := unix.Write(fd, in); err != nil {
			b.Fatal(err)
		}
		if n, err := unix.Read(fd, buf); err != nil || !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 101 ")) {
			b.Fatalf("%q %v", buf[:max(n, 0)], err)
		}
		return fd
	}
	for range 100 { // so that pools and maps have their size
		_ = unix.Close(open())
	}
	cpu := cpuMicros()
	for b.Loop() {
		fd := open()
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}) // a reset: no TIME_WAIT
		_ = unix.Close(fd)
	}
	b.ReportMetric(float64(cpuMicros()-cpu)/float64(b.N), "cpu-µs/op")
	var fds []int
	before := heapInUse()
	for range benchmarkKept {
		fds = append(fds, open())
	}
	b.ReportMetric(float64(heapInUse()-before)/benchmarkKept, "bytes/conn")
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// heapInUse is what lives on the heap and the stacks.
func heapInUse() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// cpuMicros is the CPU time of the process.
func cpuMicros() int64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return u.Utime.Sec*1e6 + int64(u.Utime.Usec) + u.Stime.Sec*1e6 + int64(u.Stime.Usec)
}
