package edge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// BenchmarkRecovery is a subscribe that recovers 100 publications, and an unsubscribe, over a socket; the client's reading, which decodes
// nothing, is part of it.
func BenchmarkRecovery(b *testing.B) {
	s, err := Listen(Config{Addr: "127.0.0.1:0", Loops: 1, Namespaces: keeping(100, nil), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Shutdown(ctx)
		_ = s.Wait()
	}()
	news, err := s.hub.Acquire("news")
	if err != nil {
		b.Fatal(err)
	}
	defer news.Release()
	var last broker.Result
	for range 100 {
		if last, err = news.Publish(publicationOf(`{"text":"a message of some eighty bytes, as chats and tickers have them, or so"}`), nil); err != nil {
			b.Fatal(err)
		}
	}
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Minute))
	if _, err := io.WriteString(conn, handshake(s, "/ws", "")); err != nil {
		b.Fatal(err)
	}
	request := frames(recoverFrom(last.Epoch, 0))
	leave := frames(`{"type":"unsubscribe","channel":"news"}`)
	want := fmt.Appendf(nil, `"offset":%d}`, last.Offset)
	buf := make([]byte, 64<<10)
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(buf[:n], want); { // in whatever pieces it comes: the last ends with the last message
			if n, err = conn.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := conn.Write(leave); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what the process, client and server, has used.
func cpuTime() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}
