package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestRootAnswersAsAnyPath(t *testing.T) {
	for root, want := range map[string]string{"node": "userId", "python": "clientId"} {
		ch := serve(t, func(o *options) { o.root = root })
		if got := dial(t, ch, "/").next(); got["type"] != "welcome" || got[want] == nil {
			t.Errorf("%s: %v", root, got)
		}
	}
}

func TestToken(t *testing.T) {
	ch := serve(t, func(o *options) { o.token = "se cret" })
	for path, want := range map[string]int{"/nowhere": 404, "/rooms": 401, "/rooms?token=wrong": 401, "/rooms?token=se+cret": 101, "/?x=y&token=se%20cret": 101} {
		if got := refusedWith(t, ch, path, nil); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if got := refusedWith(t, ch, "/rooms", http.Header{"Authorization": {"Bearer se cret"}}); got != 101 {
		t.Errorf("a bearer: %d", got)
	}
	if _, status := get(t, ch, "/metrics", ""); status != 401 {
		t.Errorf("metrics: %d", status)
	}
	if _, status := get(t, ch, "/metrics", "Bearer se cret"); status != 200 {
		t.Errorf("metrics with the token: %d", status)
	}
}

func TestOrigins(t *testing.T) {
	ch := serve(t, func(o *options) { o.origins = "https://chat.example" })
	for origin, want := range map[string]int{"https://evil.example": 403, "https://chat.example": 101, "null": 403} {
		if got := refusedWith(t, ch, "/rooms", http.Header{"Origin": {origin}}); got != want {
			t.Errorf("%s: %d, want %d", origin, got, want)
		}
	}
}

// TestRate: two seconds' worth at once, then no more; and others are not held up.
func TestRate(t *testing.T) {
	ch := serve(t, func(o *options) { o.rate = 1 })
	a, b := dial(t, ch, "/rooms"), dial(t, ch, "/rooms")
	a.joins("tea", "ann")
	limited := false
	for i := 0; i < 1000 && !limited; i++ { // a machine that stalls between may let in more than one
		a.say(`{"type":"chat","content":"x","id":1}`)
		got := a.next()
		if got["type"] == "error" {
			limited = got["message"] == "Rate limit exceeded" && got["id"] == 1.0
		} else {
			a.next() // the ack, and the message
		}
	}
	if !limited {
		t.Error("there is no limit")
	}
	b.joins("milk", "ben")
	if n := ch.paths["/rooms"].limited.Load(); n != 1 {
		t.Errorf("limited: %d", n)
	}
}

// TestNoRate: without a limit nobody is cut off for what one sends, and with a high one not below it.
func TestNoRate(t *testing.T) {
	for _, rate := range []int{0, 5000} {
		a := dial(t, serve(t, func(o *options) { o.rate = rate }), "/python")
		a.want(`{"type":"welcome","clientId":1,"timestamp":"*"}`)
		a.want(`{"type":"user_joined","clientId":1,"count":1}`)
		for range 4000 { // reactor's default is to take 2,000 at once
			a.say(`{"type":"nothing"}`)
		}
		a.say(`{"type":"ping"}`)
		a.want(`{"type":"pong"}`)
	}
}

func TestSpend(t *testing.T) {
	m, now := &member{}, time.Now()
	took := func() (n int) {
		for m.spend(10, now) {
			n++
		}
		return n
	}
	if n := took(); n != 20 {
		t.Errorf("at once: %d", n)
	}
	now = now.Add(500 * time.Millisecond)
	if n := took(); n != 5 {
		t.Errorf("after half a second: %d", n)
	}
	now = now.Add(time.Hour)
	if n := took(); n != 20 {
		t.Errorf("after an hour: %d", n)
	}
}

// TestSilence: who answers no ping is cut off, and the others are told.
func TestSilence(t *testing.T) {
	ch := serve(t, func(o *options) { o.ping = time.Second })
	a := dial(t, ch, "/python")
	a.next()
	a.next()
	conn, err := net.Dial("tcp", ch.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /python HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	a.want(`{"type":"user_joined","clientId":"*","count":2}`)
	a.want(`{"type":"user_left","clientId":"*","count":1}`) // while a, whose client answers pings, is still there
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	sent, err := io.ReadAll(conn)
	if err != nil || !bytes.Contains(sent, []byte{0x89, 0}) {
		t.Errorf("no ping in %q, %v", sent, err)
	}
}

func TestMetricsAndPushLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "push.log")
	ch := serve(t, func(o *options) { o.pushLog = name })
	a := dial(t, ch, "/rooms")
	a.joins("tea", "ann")
	a.say(`{"type":"chat","content":"hello","id":1}`)
	a.next()
	a.next()
	// A loop counts a turn's deliveries behind the turn.
	eventually(t, "both deliveries are counted", func() bool { return ch.server.Stats().Deliveries == 2 })
	metrics, _ := get(t, ch, "/metrics", "")
	for _, want := range []string{
		"# TYPE wschat_members gauge\n", "wschat_members{path=\"rooms\"} 1\n", "wschat_members{path=\"group\"} 0\n",
		"wschat_messages_total{path=\"rooms\"} 2\n", "wschat_acks_total{path=\"rooms\"} 1\n", "wschat_pushes_total{path=\"rooms\"} 2\n",
		"wschat_deliveries_total 2\n", "wschat_push_log_missed_total 0\n",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %q in\n%s", want, metrics)
		}
	}
	end(t, ch)
	log, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%s", log)
	}
	var line struct {
		Time      time.Time
		Path      string
		Room      string
		Receivers int
		Message   struct{ Type, Content string }
	}
	if err := json.Unmarshal([]byte(lines[1]), &line); err != nil || line.Path != "rooms" || line.Room != "tea" || line.Receivers != 1 ||
		line.Message.Type != "chat" || line.Message.Content != "hello" || line.Time.IsZero() {
		t.Errorf("%s: %v", lines[1], err)
	}
}

func TestWeb(t *testing.T) {
	ch := serve(t, nil)
	for path, want := range map[string]string{"/": "<title>wschat</title>", "/healthz": "ok\n"} {
		if body, status := get(t, ch, path, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d", path, status)
		}
	}
	if _, status := get(t, ch, "/nowhere", ""); status != 404 {
		t.Errorf("/nowhere: %d", status)
	}
}

// TestGrace: at the end each member gets what was said before, and is told that the server goes away.
func TestGrace(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := defaults()
	told := make(chan string, 10)
	o.logger = loggerTo(told)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, o) }()
	line := <-told
	_, addr, ok := strings.Cut(line, "addr=")
	addr, _, _ = strings.Cut(addr, " ")
	if !ok {
		t.Fatal(line)
	}
	conn, _, err := websocket.Dial(context.Background(), "ws://"+addr+"/python", nil)
	if err != nil {
		t.Fatal(err)
	}
	wait, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	c := &client{t, wait, conn}
	defer conn.CloseNow()
	c.next()
	cancel()
	if code := c.ended(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %d", code)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// loggerTo makes a logger whose lines go to a channel.
func loggerTo(lines chan<- string) *slog.Logger {
	return slog.New(slog.NewTextHandler(writer(func(b []byte) { lines <- string(b) }), nil))
}

type writer func(b []byte)

// TestPushLogIsNoPipe: whose reader would hold up the start, and the end.
func TestPushLogIsNoPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	open := func() { _, err := openPushLog(name); opened <- err }
	for range 2 { // without a reader, and with one
		go open()
		select {
		case err := <-opened:
			if err == nil {
				t.Error("it was opened")
			}
		case <-time.After(patience):
			t.Fatal("it is still being opened")
		}
		reader, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
	}
}

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func TestOptions(t *testing.T) {
	o, err := readOptions(nil, "from the environment", io.Discard)
	if err != nil || o.addr != "127.0.0.1:8080" || o.root != "rooms" || o.token != "from the environment" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := readOptions([]string{"--rate", "9223372036854775807"}, "", io.Discard); err == nil { // twice that is none
		t.Error("any rate is good")
	}
	_, err = readOptions([]string{"--root", "x", "--rate", "-1", "--beat", "0", "--quiet-above", "0", "--ping-interval", "1ms", "rest"}, "", io.Discard)
	for _, want := range []string{"--root: there are group, node, python, rooms", "--rate", "--beat", "--quiet-above", "--ping-interval", "rest"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := readOptions([]string{"-h"}, "", io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
	for _, bad := range []func(o *options){func(o *options) { o.addr = "nowhere" }, func(o *options) { o.pushLog = t.TempDir() }} {
		o := defaults()
		bad(&o)
		if err := run(context.Background(), o); err == nil {
			t.Errorf("%+v runs", o)
		}
	}
}

// TestItIsSmall: it is an example first. Who wants to add to it takes something away.
func TestItIsSmall(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(source), "\n")
	}
	if lines > 600 || lines < 100 {
		t.Errorf("%d lines", lines)
	}
}
