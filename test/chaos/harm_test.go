package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// harm is what a server does to the messages of a client: which it sends for one that it should send.
type harm func(number int, message, before string) []string

// harmfulServer is a server of wsedge.v1 with one channel of publications 1 to n, which it sends to whoever subscribes. It gives its address.
func harmfulServer(t *testing.T, n int, h harm) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveHarm(conn, n, h)
		}
	}()
	return listener.Addr().String()
}

func serveHarm(conn net.Conn, n int, h harm) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if _, err := http.ReadRequest(in); err != nil {
		return
	}
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	if _, err := in.Peek(1); err != nil { // the command
		return
	}
	say := func(text string) {
		_, _ = conn.Write(append([]byte{0x81, 126, byte(len(text) >> 8), byte(len(text))}, text...)) // a client that has gone is not this test's
	}
	say(`{"type":"subscribed","channel":"news","epoch":"e","offset":0}`)
	before := ""
	for i := 1; i <= n; i++ {
		data, _ := json.Marshal(newBody("news", uint64(i)))
		message := fmt.Sprintf(`{"type":"message","channel":"news","data":%s,"offset":%d}`, data, i*10)
		for _, text := range h(i, message, before) {
			say(text)
		}
		before = message
	}
	_, _ = io.Copy(io.Discard, in) // until the client goes
}

// TestHarmIsFound: whatever a server does to its messages on the wire, the ledger has it.
func TestHarmIsFound(t *testing.T) {
	const n = 20
	for _, test := range []struct {
		name string
		harm harm
		want []string
	}{
		{"none", func(_ int, m, _ string) []string { return []string{m} }, nil},
		{"dropped", func(i int, m, _ string) []string {
			if i == 7 {
				return nil
			}
			return []string{m}
		}, []string{silentGap}},
		{"doubled", func(i int, m, _ string) []string {
			if i == 7 {
				return []string{m, m}
			}
			return []string{m}
		}, []string{duplicate}},
		{"swapped", func(i int, m, before string) []string {
			switch i {
			case 7:
				return nil
			case 8:
				return []string{m, before}
			}
			return []string{m}
		}, []string{silentGap, disorder}},
		{"a flipped letter", func(i int, m, _ string) []string {
			if i == 7 {
				m = strings.Replace(m, `"filling":"`, `"filling":"x`, 1)
			}
			return []string{m}
		}, []string{corrupt, silentGap}},
		{"another offset", func(i int, m, _ string) []string {
			return []string{strings.Replace(m, `"offset":70}`, `"offset":71}`, 1)}
		}, []string{madeTwice}},
		{"no JSON", func(i int, m, _ string) []string {
			if i == n {
				return []string{m, "{"}
			}
			return []string{m}
		}, []string{corrupt}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger([]string{"news"})
			for i := uint64(1); i <= n; i++ {
				l.channels["news"].acknowledge(i, place{"e", i * 10})
			}
			c := newClient(0, 1, []node{{"node1", harmfulServer(t, n, test.harm)}}, l, []string{"news"})
			ctx, end := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.live(ctx, 0)
			}()
			for limit := time.Now().Add(bearable); !c.heard(map[string]uint64{"news": n}); time.Sleep(time.Millisecond) { // polls
				if time.Now().After(limit) {
					t.Fatal("the last publication never came")
				}
			}
			if test.name == "no JSON" {
				<-done // it ends the connection by itself
			}
			end()
			<-done
			c.accounts["news"].settle(n + 1)
			l.mu.Lock()
			defer l.mu.Unlock()
			want := make(map[string]int)
			for _, kind := range test.want {
				want[kind] = 1
			}
			l.want(t, want)
			for _, v := range l.kept {
				if v.Client != 0 || v.Expected == "" || v.Seen == "" {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}
