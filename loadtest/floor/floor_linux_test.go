package floor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// childVariable makes the test binary a process of the floor.
const childVariable = "FLOOR_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := Run(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func startFloor(t *testing.T, cfg Config) *Floor {
	t.Helper()
	t.Setenv(childVariable, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	cfg.Command = []string{os.Args[0]}
	f, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// client is a connection to the floor.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, f *Floor) *client {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // a bound for a test that hangs
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) want(text string) {
	c.t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c.in, got); err != nil || string(got) != text {
		c.t.Fatalf("got %q, %v; want %q", got[:n], err, text)
	}
}

const (
	key = "dGhlIHNhbXBsZSBub25jZQ=="
)

// upgrade sends a handshake and waits for the end of the answer.
func (c *client) upgrade(path string) *client {
	c.t.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n\r\n")
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = c.in.ReadString('\n'); err != nil {
			c.t.Fatal(err)
		}
	}
	return c
}

func masked(op frame.Opcode, text string) string {
	return string(frame.AppendMaskedFrame(nil, op, []byte(text), [4]byte{1, 2, 3, 4}))
}

func plain(op frame.Opcode, text string) string {
	return string(frame.AppendFrame(nil, op, []byte(text)))
}

func (c *client) publish(data string) {
	c.t.Helper()
	body := `{"channel":"load","data":` + data + `}`
	c.send(fmt.Sprintf("POST /api/publish HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	c.want(published)
}

func TestConversation(t *testing.T) {
	f := startFloor(t, Config{Threads: 1})
	c := dial(t, f).upgrade("/ws")
	c.send(masked(frame.OpText, `{"type":"subscribe","id":1,"channel":"load"}`))
	c.want(plain(frame.OpText, subscribed))
	c.send(masked(frame.OpPing, "alive?"))
	c.want(plain(frame.OpPong, "alive?"))
	dial(t, f).publish(`"m"`)
	c.want(plain(frame.OpText, `{"type":"message","channel":"load","data":"m","offset":1}`))
	c.send(masked(frame.OpClose, "\x03\xe8"))
	c.want(plain(frame.OpClose, "\x03\xe8"))
	if _, err := c.in.ReadByte(); err != io.EOF {
		t.Errorf("after the close: %v", err)
	}
	dial(t, f).publish(`"nobody gets it"`)
}

// TestPieces sends each request and frame in two parts, cut at every byte.
func TestPieces(t *testing.T) {
	f := startFloor(t, Config{Threads: 1, Raw: true})
	subscriber := dial(t, f).upgrade("/ws/raw?channel=load")
	publisher := dial(t, f)
	body := `{"channel":"load","data":"m"}`
	request := fmt.Sprintf("POST /api/publish HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for cut := range request {
		publisher.send(request[:cut])
		publisher.send(request[cut:])
		publisher.want(published)
		subscriber.want(plain(frame.OpText, `"m"`))
	}
	echo := dial(t, f).upgrade("/echo")
	message := masked(frame.OpText, strings.Repeat("long", 40))
	for cut := range message {
		echo.send(message[:cut])
		echo.send(message[cut:])
		echo.want(plain(frame.OpText, strings.Repeat("long", 40)))
	}
}

func TestRefusals(t *testing.T) {
	f := startFloor(t, Config{Threads: 1})
	c := dial(t, f)
	c.send("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n")
	c.want(unknown)
	for _, bad := range []string{
		"nonsense\r\n\r\n",
		"POST /api/publish HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
		"POST /api/publish HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n{}",
		"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
	} {
		c := dial(t, f)
		c.send(bad)
		if rest, _ := io.ReadAll(c.in); len(rest) > 0 {
			t.Errorf("%q is answered with %q", bad, rest)
		}
	}
	unmasked := dial(t, f).upgrade("/ws")
	unmasked.send(plain(frame.OpText, "unmasked"))
	if rest, _ := io.ReadAll(unmasked.in); len(rest) > 0 {
		t.Errorf("an unmasked frame is answered with %q", rest)
	}
}

// TestQueue publishes to somebody who does not read: what the sockets do not take waits, in order, and then is too much.
func TestQueue(t *testing.T) {
	f := startFloor(t, Config{Threads: 1, Raw: true})
	slow, publisher := dial(t, f).upgrade("/ws/raw"), dial(t, f)
	data := `"` + strings.Repeat("x", 64<<10) + `"`
	for range 200 { // 13 MB, more than sockets take, and the queue
		publisher.publish(data)
	}
	one := plain(frame.OpText, data)
	got, _ := io.ReadAll(slow.in) // whole frames and a part of one, and then the end, as it was closed
	for len(got) >= len(one) {
		if string(got[:len(one)]) != one {
			t.Fatal("not what was published")
		}
		got = got[len(one):]
	}
	if !strings.HasPrefix(one, string(got)) {
		t.Error("the last frame is not a part of what was published")
	}
	reader := dial(t, f).upgrade("/ws/raw")
	for range 50 { // some of them wait in the queue, none is lost
		publisher.publish(data[:len(data)-3] + `"`)
		reader.want(plain(frame.OpText, data[:len(data)-3]+`"`))
	}
}

// TestBacklogArrives lets a few frames wait until the subscriber reads.
func TestBacklogArrives(t *testing.T) {
	f := startFloor(t, Config{Threads: 2, Raw: true})
	late, publisher := dial(t, f).upgrade("/ws/raw"), dial(t, f)
	want := ""
	for i := range 40 { // 2.6 MB: beyond what a socket takes at first
		data := fmt.Sprintf(`"%d %s"`, i, strings.Repeat("x", 16<<10))
		publisher.publish(data)
		want += plain(frame.OpText, data)
	}
	late.want(want)
}

// TestProcesses has three processes on one port. A publication reaches every subscriber, whichever process it came to.
func TestProcesses(t *testing.T) {
	f := startFloor(t, Config{Threads: 2, Processes: 3, Raw: true})
	if len(f.PIDs) != 3 {
		t.Fatalf("processes %v", f.PIDs)
	}
	var subscribers []*client
	for range 24 {
		subscribers = append(subscribers, dial(t, f).upgrade("/ws/raw"))
	}
	for i := range 12 {
		data := fmt.Sprintf(`"%d"`, i)
		dial(t, f).publish(data)
		for _, s := range subscribers {
			s.want(plain(frame.OpText, data))
		}
	}
}

func TestStartFails(t *testing.T) {
	for _, cfg := range []Config{
		{Threads: maxThreads + 1, Command: []string{os.Args[0]}},
		{Processes: -1, Command: []string{os.Args[0]}},
		{Command: []string{"/does/not/exist"}},
		{Command: []string{"/bin/true"}},
	} {
		if _, err := Start(t.Context(), cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

func TestProcessesFor(t *testing.T) {
	one, err := processesFor(100)
	if err != nil || one != 1 {
		t.Errorf("for 100 connections: %d, %v", one, err)
	}
	if many, err := processesFor(1 << 31); err != nil || many < 2 {
		t.Errorf("for 2 thousand million connections: %d, %v", many, err)
	}
}
