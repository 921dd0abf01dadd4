package reactor

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

func TestConfigProblemsComeTogether(t *testing.T) {
	_, err := New(Config{Addr: "nonsense", MaxConns: 1 << 30, Loops: -1, NodeMaxBytes: -1, Forms: make([]FormOptions, 33)})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, field := range []string{"Addr", "Handler", "MaxConns", "Loops", "NodeMaxBytes", "Forms"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
}

func TestCapRefusesPolitelyAndAcceptsAgain(t *testing.T) {
	plainOnly(t, "TestCapHangsUpOnTLS")
	s := serve(t, Config{Handler: echo, MaxConns: 2})
	a, b := dial(t, s, "/"), dial(t, s, "/")
	c := connect(t, s)
	c.write(handshakeBytes("/"))
	if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") || !strings.Contains(head, "Retry-After: ") {
		t.Errorf("answer %q, want 503 with Retry-After", head)
	}
	_, _ = io.ReadAll(c.r)
	for _, kept := range []*client{a, b} {
		kept.text("kept")
		kept.wantText("kept")
	}
	b.Close()
	eventually(t, "room", func() bool { return s.Stats().Connections == 1 })
	d := dial(t, s, "/")
	d.text("again")
	d.wantText("again")
	if n := s.Stats().Refused["connection_limit"]; n != 1 {
		t.Errorf("%d refusals counted, want 1", n)
	}
}

// fewFiles names the environment variable that makes this test binary the server of TestFewFiles.
const fewFiles = "WSEDGE_TEST_FEW_FILES"

// With 256 files the engine's accept must never run out of descriptors: that would end it, and every connection. The acceptor
// of a Unix socket has the same cap.
func TestFewFiles(t *testing.T) {
	if addr := os.Getenv(fewFiles); addr != "" {
		fewFilesServer(addr)
		return
	}
	for name, addr := range map[string]string{"TCP": "127.0.0.1:0", "Unix": socketPath(t)} {
		t.Run(name, func(t *testing.T) { testFewFiles(t, addr) })
	}
}

func testFewFiles(t *testing.T, listen string) {
	cmd := exec.Command("sh", "-c", "ulimit -n 256; exec \"$0\" -test.run '^TestFewFiles$'", os.Args[0])
	cmd.Env = append(os.Environ(), fewFiles+"="+listen)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stop, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stop.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	}()
	addr := make([]byte, 100)
	n, err := out.Read(addr)
	if err != nil {
		t.Fatal(err)
	}
	network, address, _ := strings.Cut(strings.TrimSpace(string(addr[:n])), " ")

	kept, refused := dialMany(t, network, address, 400)
	if len(kept) != 192 || refused != 400-192 {
		t.Errorf("%d kept and %d refused of 400; want 192 and 208", len(kept), refused)
	}
	for _, c := range kept {
		c.text("alive")
		c.wantText("alive")
	}
	for _, c := range kept[:100] {
		c.Close()
	}
	eventually(t, "room again", func() bool {
		again, _ := dialMany(t, network, address, 1)
		return len(again) == 1
	})
}

// dialMany tries n handshakes, all sockets open at once, and returns the clients that got in.
func dialMany(t *testing.T, network, address string, n int) (in []*client, refused int) {
	t.Helper()
	var all []*client
	for range n {
		conn, err := net.Dial(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		c := wrap(t, conn)
		_, _ = c.Write(handshakeBytes("/")) // a refused one may be closed already
		all = append(all, c)
	}
	for _, c := range all {
		line, err := c.r.ReadString('\n')
		if err == nil && strings.HasPrefix(line, "HTTP/1.1 101 ") {
			for line != "\r\n" {
				line, _ = c.r.ReadString('\n')
			}
			in = append(in, c)
			continue
		}
		refused++
		c.Close()
	}
	return in, refused
}

func fewFilesServer(addr string) {
	s, err := Listen(Config{Addr: addr, Handler: echo, Loops: 2, PingInterval: -1})
	if err != nil {
		panic(err)
	}
	go func() {
		if err := s.Wait(); err != nil {
			os.Exit(7)
		}
	}()
	_, _ = os.Stdout.WriteString(s.Addr().Network() + " " + s.Addr().String() + "\n")
	_, _ = io.ReadAll(os.Stdin)
	os.Exit(0)
}

func TestAddressInUse(t *testing.T) {
	s := serve(t, Config{Handler: echo})
	if _, err := Listen(Config{Addr: s.Addr().String(), Handler: echo}); err == nil {
		t.Fatal("a second server was let in on the same address")
	}
}

func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

func TestAddresses(t *testing.T) {
	for _, tc := range []struct {
		addr  string
		reach []string
	}{
		{"127.0.0.1:0", []string{"127.0.0.1"}},
		{"localhost:0", []string{"localhost"}},
		{"[::1]:0", []string{"::1"}},
		{":0", []string{"127.0.0.1", "::1"}},
		{"[::]:0", []string{"127.0.0.1", "::1"}},
		{"0.0.0.0:0", []string{"127.0.0.1"}},
	} {
		t.Run(tc.addr, func(t *testing.T) {
			if strings.Contains(strings.Join(tc.reach, " "), "::1") && !hasIPv6() {
				t.Skip("this machine has no IPv6 loopback address")
			}
			s, err := Listen(Config{Addr: tc.addr, Handler: echo, Loops: 2, PingInterval: -1})
			if err != nil {
				t.Fatal(err)
			}
			var clients []*client
			for _, host := range tc.reach {
				_, port, _ := net.SplitHostPort(s.Addr().String())
				for range 4 { // each loop has its own listener
					conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
					if err != nil {
						t.Fatal(err)
					}
					c := wrap(t, conn)
					c.write(handshakeBytes("/"))
					c.wantSwitch()
					c.text(host)
					c.wantText(host)
					clients = append(clients, c)
				}
			}
			shutdown(t, s, clients...)
		})
	}
}

// The same port can be taken again at once, though connections of the old server are in TIME_WAIT.
func TestRestartOnTheSamePort(t *testing.T) {
	opened := newBox[*Conn]()
	first := serve(t, Config{Handler: funcs{open: func(c *Conn) { opened <- c }}})
	c := dial(t, first, "/")
	onLoop(t, opened.take(t), func(c *Conn) { c.Close(1000, "") })
	c.wantClose(1000, "") // the server has closed first: TIME_WAIT is on its side
	shutdown(t, first, c)
	second, err := Listen(Config{Addr: first.Addr().String(), Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	shutdown(t, second)
}

func TestHandshakeRefusals(t *testing.T) {
	s := serve(t, Config{
		Handler: echo,
		Origins: []string{"https://friend.example"},
		Upgrade: func(_ *Conn, r *frame.Request) (Accept, error) {
			if string(r.Path) == "/nowhere" {
				return Accept{}, &frame.HandshakeError{Status: 404, Reason: "not_found"}
			}
			return Accept{}, nil
		},
	})
	get := func(path string, lines ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: here.example\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	upgrade := []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	for _, tc := range []struct{ name, request, status string }{
		{"path", get("/nowhere", upgrade...), "404"},
		{"no upgrade, no HTTP handler", get("/"), "426"},
		{"version", get("/", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8"), "426"},
		{"foreign origin", get("/", append(upgrade, "Origin: https://foe.example")...), "403"},
		{"suffix trick", get("/", append(upgrade, "Origin: https://friend.example.foe.example")...), "403"},
		{"two origins", get("/", append(upgrade, "Origin: https://friend.example", "Origin: https://friend.example")...), "403"},
		{"allowed origin", get("/", append(upgrade, "Origin: https://friend.example")...), "101"},
		{"own origin", get("/", append(upgrade, "Origin: "+scheme()+"://here.example")...), "101"},
		{"own origin, other scheme", get("/", append(upgrade, "Origin: ftp"+scheme()[4:]+"://here.example")...), "403"},
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400"},
		{"long head", get("/", "X: "+strings.Repeat("x", 9000)), "431"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, s)
			c.t = t
			c.write([]byte(tc.request + "GET /second HTTP/1.1\r\nHost: x\r\n\r\n"))
			head := string(c.head())
			if !strings.HasPrefix(head, "HTTP/1.1 "+tc.status+" ") {
				t.Fatalf("answer %q, want %s", head, tc.status)
			}
			if tc.status == "101" {
				return
			}
			if !strings.Contains(head, "Connection: close\r\n") {
				t.Errorf("no Connection: close in %q", head)
			}
			body, err := io.ReadAll(c.r)
			if err != nil || strings.Contains(string(body), "HTTP/1.1") {
				t.Errorf("behind the refusal: %q, %v", body, err)
			}
		})
	}
}

// A conn that has been closed writes nothing any more, whoever has its descriptor now.
func TestNoWriteAfterClose(t *testing.T) {
	opened := newBox[*Conn]()
	s := prepare(t, Config{Loops: 1, Handler: funcs{open: func(c *Conn) { opened <- c }}})
	topic := s.NewTopic(TopicOptions{})
	start(t, s)
	gone := map[int32][]*Conn{} // by the descriptor that they had
	reused := 0
	for range 50 {
		c := dial(t, s, "/")
		server := opened.take(t)
		before := gone[server.fd]
		if len(before) > 0 {
			reused++
		}
		_, _ = topic.Broadcast(frame.OpText, []byte("for those who are gone"))
		onLoop(t, server, func(c *Conn) {
			for _, old := range before {
				_ = old.Send(frame.OpText, []byte("for who is gone"))
				_ = old.Ping(nil)
				old.Close(1000, "")
			}
			_ = c.Send(frame.OpText, []byte("for you"))
			_ = c.Subscribe(topic)
		})
		c.wantText("for you")
		c.Close()
		eventually(t, "closed", func() bool { return s.Stats().Connections == 0 })
		gone[server.fd] = append(gone[server.fd], server)
	}
	if reused == 0 {
		t.Error("no descriptor was used twice: the test has shown nothing")
	}
}

func TestSocketsAreNotInherited(t *testing.T) {
	opened := newBox[*Conn]()
	s := serve(t, Config{Handler: funcs{open: func(c *Conn) { opened <- c }}, HTTP: http.NotFoundHandler()})
	dial(t, s, "/")
	c := opened.take(t)
	for name, fd := range map[string]int{"conn": int(c.fd), "wake": c.loop.inbox.wakeFD} {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: flags %#x, %v: a child process would inherit it", name, flags, err)
		}
	}
}
