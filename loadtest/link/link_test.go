package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const secret = "0123456789abcdef0123456789abcdef"

func mustToken(t *testing.T, secret string) *Token {
	t.Helper()
	token, err := NewToken([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// accepted is what came of one connection.
type accepted struct {
	conn *Conn
	err  error
}

// listen accepts links until the test ends.
func listen(t *testing.T, token *Token) (address string, links <-chan accepted) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	out := make(chan accepted, 4)
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			conn, err := Accept(context.Background(), raw, token, 10*time.Second)
			out <- accepted{conn, err}
		}
	}()
	return listener.Addr().String(), out
}

// pair is a link with both of its ends.
func pair(t *testing.T) (coordinator, agent *Conn) {
	t.Helper()
	token := mustToken(t, secret)
	address, links := listen(t, token)
	coordinator, err := Dial(t.Context(), address, token, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	a := <-links
	if a.err != nil {
		t.Fatal(a.err)
	}
	t.Cleanup(func() { _ = errors.Join(coordinator.Close(), a.conn.Close()) })
	return coordinator, a.conn
}

func TestMessages(t *testing.T) {
	coordinator, agent := pair(t)
	messages := []Message{{1, 0, nil}, {2, 65535, []byte("text")}, {255, 7, bytes.Repeat([]byte("x"), MaxBody)}}
	for i, m := range messages {
		from, to := coordinator, agent
		if i%2 == 1 {
			from, to = agent, coordinator
		}
		if err := from.Send(m.Kind, m.Stream, m.Body); err != nil {
			t.Fatal(err)
		}
		got, err := to.Receive()
		if err != nil || got.Kind != m.Kind || got.Stream != m.Stream || !bytes.Equal(got.Body, m.Body) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if err := coordinator.Send(1, 1, make([]byte, MaxBody+1)); err == nil {
		t.Error("a message beyond the limit went out")
	}
	if err := coordinator.Close(); err != nil {
		t.Error(err)
	}
	if _, err := agent.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("after a close: %v", err)
	}
}

// TestLongMessagesAreRefused has a peer that claims 4 GiB.
func TestLongMessagesAreRefused(t *testing.T) {
	coordinator, agent := pair(t)
	if _, err := coordinator.raw.Write([]byte{1, 0, 0, 0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	if m, err := agent.Receive(); err == nil || cap(agent.body) > MaxBody {
		t.Errorf("%+v, %v, %d bytes held", m.Kind, err, cap(agent.body))
	}
}

func TestSilenceEnds(t *testing.T) {
	coordinator, agent := pair(t)
	agent.silence = time.Millisecond
	if _, err := agent.Receive(); err == nil || !err.(net.Error).Timeout() {
		t.Errorf("silence: %v", err)
	}
	_ = coordinator.Close()
}

func TestWrongTokens(t *testing.T) {
	address, links := listen(t, mustToken(t, secret))
	if _, err := Dial(t.Context(), address, mustToken(t, strings.ToUpper(secret)), 0); !errors.Is(err, ErrWrongToken) {
		t.Errorf("a coordinator with another token: %v", err)
	}
	if a := <-links; a.err == nil {
		t.Error("the agent took it")
	}
	for _, short := range []string{"", secret[1:]} {
		if _, err := NewToken([]byte(short)); err == nil {
			t.Errorf("%q is a token", short)
		}
	}
}

// TestImpostors hold one side's key, or another one, or none: they do not check whom they speak to.
func TestImpostors(t *testing.T) {
	right, wrong := mustToken(t, secret), mustToken(t, strings.ToUpper(secret))
	ownRole, err := right.agentConfig()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := wrong.coordinatorConfig()
	if err != nil {
		t.Fatal(err)
	}
	good, err := right.coordinatorConfig()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]*tls.Config{
		"another token":        {Certificates: foreign.Certificates, InsecureSkipVerify: true},
		"the agent's own key":  {Certificates: ownRole.Certificates, InsecureSkipVerify: true},
		"no certificate":       {InsecureSkipVerify: true},
		"an older TLS version": {Certificates: good.Certificates, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
	}
	for name, cfg := range cases {
		address, links := listen(t, right)
		raw, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		client := tls.Client(raw, cfg)
		_ = client.HandshakeContext(t.Context())
		if a := <-links; a.err == nil {
			t.Errorf("%s: the agent took it", name)
			_ = a.conn.Close()
		}
		_ = raw.Close()
	}
}

// TestReplays records what a good coordinator sends, and sends it once more.
func TestReplays(t *testing.T) {
	token := mustToken(t, secret)
	address, links := listen(t, token)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	recorded := make(chan []byte, 1)
	go func() {
		from, err := proxy.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(from, to) }()
		var sent bytes.Buffer
		_, _ = io.Copy(io.MultiWriter(to, &sent), from)
		_, _ = from.Close(), to.Close()
		recorded <- sent.Bytes()
	}()
	good, err := Dial(t.Context(), proxy.Addr().String(), token, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := good.Send(1, 0, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	first := <-links
	if _, err := first.conn.Receive(); err != nil {
		t.Fatal(err)
	}
	_, _ = good.Close(), first.conn.Close()
	again, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Write(<-recorded); err != nil {
		t.Fatal(err)
	}
	if a := <-links; a.err == nil {
		t.Error("a replayed handshake was taken")
	}
}

// TestGarbage has the agent read what is no TLS at all.
func TestGarbage(t *testing.T) {
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "{\"Protocol\":1}\n", strings.Repeat("\x16\x03\x01\xff\xff", 1000), ""} {
		address, links := listen(t, mustToken(t, secret))
		raw, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(raw, text)
		_ = raw.(*net.TCPConn).CloseWrite()
		if a := <-links; a.err == nil {
			t.Errorf("%.20q was taken", text)
		}
		_ = raw.Close()
	}
}
