package integration

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/reactor"
)

// front is a listening socket for haproxy, and what haproxy makes of it.
type front struct {
	name    string
	options string // of its bind line
	lines   []string
}

// haproxyConfig is the whole of haproxy's configuration: it inherits the fronts' sockets, from descriptor 3 on.
func haproxyConfig(fronts []front) string {
	var b strings.Builder
	b.WriteString("defaults\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n timeout tunnel 60s\n timeout check 5s\n")
	for i, f := range fronts {
		fmt.Fprintf(&b, "listen %s\n bind fd@%d %s\n %s\n", f.name, 3+i, f.options, strings.Join(f.lines, "\n "))
	}
	return b.String()
}

// startHaproxy runs haproxy, which accepts from sockets, one for each front.
func startHaproxy(t *testing.T, fronts []front, sockets []*net.TCPListener) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(config, []byte(haproxyConfig(fronts)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(haproxy(), "-db", "-f", config)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	for _, socket := range sockets {
		f, err := socket.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		defer socket.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("haproxy said:\n%s", log.String())
		}
	})
}

// haproxy is where Debian installs it, which is not on everybody's path.
func haproxy() string {
	if path, err := exec.LookPath("haproxy"); err == nil {
		return path
	}
	return "/usr/sbin/haproxy"
}

// listenForHaproxy opens a socket whose backlog holds whoever comes before haproxy is there.
func listenForHaproxy(t *testing.T) (*net.TCPListener, int) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return l, l.Addr().(*net.TCPAddr).Port
}

// telling is a server that tells each client whom it takes it for, then sends back what it gets.
type telling struct{}

func (telling) OnOpen(c *reactor.Conn) {
	_ = c.Send(frame.OpText, []byte(c.RemoteAddr().String()))
}

func (telling) OnMessage(c *reactor.Conn, op frame.Opcode, payload []byte) {
	if string(payload) == "close me" {
		c.Close(4001, "because you asked")
		return
	}
	_ = c.Send(op, payload)
}

func (telling) OnClose(*reactor.Conn, reactor.End) {}

// socketDir is a directory whose name is short enough for sockets in it.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wsedge")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// startTelling runs the server at addr.
func startTelling(t *testing.T, cfg reactor.Config) *reactor.Server {
	t.Helper()
	cfg.Handler, cfg.Deflate, cfg.MaxMessageBytes = telling{}, &reactor.DeflateOptions{Takeover: true}, 1<<21
	cfg.OutboundMaxBytes, cfg.Logger = 1<<24, slog.New(slog.NewTextHandler(io.Discard, nil))
	cfg.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %v", r.RemoteAddr, reactor.ClientTLS(r))
	})
	s, err := reactor.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestHaproxy: haproxy ends TLS and connects over TCP and over a Unix socket; it tells of its clients by the PROXY protocol, or
// by header lines.
func TestHaproxy(t *testing.T) {
	needs(t, "node", haproxy())
	authority := tlstest.NewAuthority()
	dir := socketDir(t)
	cert, key := tlstest.PEM(authority.Issue("localhost"))
	for file, content := range map[string][]byte{"ca.pem": authority.PEM(), "server.pem": append(cert, key...)} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	near := reactor.Peers{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Unix: true}
	for _, row := range []struct {
		name, addr string
		announced  bool
	}{
		{"TCP, PROXY protocol", "127.0.0.1:0", true},
		{"Unix, PROXY protocol", "unix:" + dir + "/announced.sock", true},
		{"TCP, X-Forwarded-For", "127.0.0.1:0", false},
		{"Unix, X-Forwarded-For", "unix:" + dir + "/forwarded.sock", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			socket, port := listenForHaproxy(t)
			cfg := reactor.Config{Addr: row.addr}
			form := "no port"
			if row.announced {
				// haproxy copies bytes: that its client speaks TLS does not stand in the request.
				cfg.ProxyProtocol, cfg.Origins, form = near, []string{fmt.Sprintf("https://localhost:%d", port)}, "port"
			} else {
				cfg.TrustedProxies = near
			}
			s := startTelling(t, cfg)
			f := front{"telling", "ssl crt " + dir + "/server.pem", []string{"mode http", "option forwardfor",
				"http-request set-header X-Forwarded-Proto https", "server s " + backend(s.Addr())}}
			if row.announced {
				f.lines = []string{"mode tcp", "server s " + backend(s.Addr()) + " send-proxy-v2 check check-send-proxy inter 50ms"}
			}
			startHaproxy(t, []front{f}, []*net.TCPListener{socket})
			out := run(t, "node", "proxy_client.mjs", fmt.Sprint(port), dir+"/ca.pem", form)
			if out != "ok\n" {
				t.Errorf("the client said %q", out)
			}
			if row.announced { // haproxy's own checks, by the command LOCAL, come and go
				before := s.Stats().Accepted
				eventually(t, "checks", func() bool { return s.Stats().Accepted > before+2 })
			}
			if refused := s.Stats().Refused; refused["proxy_header"] != 0 {
				t.Errorf("refused: %v", refused)
			}
		})
	}
}

// backend is an address in haproxy's words.
func backend(addr net.Addr) string {
	if addr.Network() == "unix" {
		return "unix@" + addr.String()
	}
	return addr.String()
}

// TestServeBehindHaproxy: wsedge serve on a Unix socket, in its own process.
func TestServeBehindHaproxy(t *testing.T) {
	needs(t, "node", haproxy())
	path := filepath.Join(socketDir(t), "edge.sock")
	s := start(t, "", "--addr", "unix:"+path, "--proxy-protocol", "unix", "--deflate", "--ping-interval", "1s")
	socket, port := listenForHaproxy(t)
	startHaproxy(t, []front{{"edge", "", []string{"mode tcp", "server s unix@" + path + " send-proxy-v2"}}}, []*net.TCPListener{socket})
	s.addr = fmt.Sprintf("127.0.0.1:%d", port)
	out := run(t, "node", "node_client.mjs", s.addr, "deflate")
	if out != "conversation ok\nheartbeat ok\nclose ok\n" {
		t.Errorf("the client said %q", out)
	}
	s.stop()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket's file after the end: %v", err)
	}
}
