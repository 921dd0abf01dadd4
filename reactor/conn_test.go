package reactor

import (
	"context"
	"strings"
	"testing"
	"unsafe"

	"github.com/wsedge/wsedge/frame"
)

func TestConnAtRestIs128Bytes(t *testing.T) {
	if size := unsafe.Sizeof(Conn{}); size > 128 {
		t.Errorf("a Conn is %d bytes, want at most 128: the next size class is 144", size)
	}
}

func TestEcho(t *testing.T) {
	s := serve(t, Config{Handler: echo})
	c := dial(t, s, "/")
	for _, payload := range []string{"", "x", strings.Repeat("y", 125), strings.Repeat("z", 126), strings.Repeat("ü", 30000)} {
		c.text(payload)
		c.wantText(payload)
		c.send(frame.OpBinary, "\x00\xff"+payload)
		c.want(frame.OpBinary, "\x00\xff"+payload)
	}
	c.send(frame.OpPing, "are you there")
	c.want(frame.OpPong, "are you there")
	c.send(frame.OpClose, "\x03\xe8bye")
	c.want(frame.OpClose, "\x03\xe8")
	c.wantEOF()
}

// An empty frame must not swallow what stands behind it (the engine takes a length of 0 for "everything").
func TestFramesInOneSegment(t *testing.T) {
	s := serve(t, Config{Handler: echo})
	c := connect(t, s)
	in := handshakeBytes("/")
	for _, payload := range []string{"", "a", "", "b"} {
		in = frame.AppendMaskedFrame(in, frame.OpText, []byte(payload), [4]byte{9, 8, 7, 6})
		in = frame.AppendMaskedFrame(in, frame.OpPing, []byte(payload), [4]byte{9, 8, 7, 6})
	}
	c.write(in) // behind the handshake, in the same segment
	c.wantSwitch()
	for _, payload := range []string{"", "a", "", "b"} {
		c.wantText(payload)
		c.want(frame.OpPong, payload)
	}
}

func TestConversationCutAtEveryByte(t *testing.T) {
	s := serve(t, Config{Handler: echo})
	in := handshakeBytes("/some/path?q=1")
	in = frame.AppendMaskedFrame(in, frame.OpText, []byte("grüße"), [4]byte{1, 2, 3, 4})
	in = append(in, 0x00|0x01, 0x83, 0, 0, 0, 0, 'a', 'b', 'c') // text, not final
	in = frame.AppendMaskedFrame(in, frame.OpPing, []byte("p"), [4]byte{5, 6, 7, 8})
	in = append(in, 0x80, 0x82, 0, 0, 0, 0, 'd', 'e') // its end
	for cut := 1; cut < len(in); cut++ {
		c := connect(t, s)
		c.write(in[:cut])
		s.settle()
		c.write(in[cut:])
		c.wantSwitch()
		c.wantText("grüße")
		c.want(frame.OpPong, "p")
		c.wantText("abcde")
		c.Close()
	}
}

// settle waits until the loops have handled what the kernel had for them.
func (s *Server) settle() {
	for _, l := range s.knownLoops() {
		l.barrier()
	}
}

func TestOpenAndCloseComeOnce(t *testing.T) {
	opened, ended := newBox[*Conn](), newBox[End]()
	s := serve(t, Config{Handler: funcs{
		open:  func(c *Conn) { opened <- c },
		close: func(_ *Conn, e End) { ended <- e },
	}})
	for name, tc := range map[string]struct {
		end  func(c *client, server *Conn)
		want End
	}{
		"peer closes": {
			func(c *client, _ *Conn) { c.send(frame.OpClose, "\x0f\xa0why"); c.want(frame.OpClose, "\x0f\xa0") },
			End{Code: 4000, Reason: "why", Remote: true}},
		"peer closes without a code": {
			func(c *client, _ *Conn) { c.send(frame.OpClose, ""); c.want(frame.OpClose, "") },
			End{Code: frame.CloseNoStatus, Remote: true}},
		"peer vanishes": {func(c *client, _ *Conn) { c.Close() }, End{Code: frame.CloseAbnormal}},
		"server closes twice": {
			func(c *client, server *Conn) {
				onLoop(t, server, func(c *Conn) { c.Close(4001, "first"); c.Close(4002, "second") })
				c.wantClose(4001, "first")
			}, End{Code: 4001, Reason: "first"}},
		"protocol error": {
			func(c *client, _ *Conn) { c.write([]byte{0x81, 0x01, 'x'}); c.wantClose(1002, "unmasked_frame") },
			End{Code: 1002, Reason: "unmasked_frame"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s, "/")
			c.t = t
			server := opened.take(t)
			tc.end(c, server)
			got := ended.take(t)
			if got.RemoteAddr == nil || got.RemoteAddr.String() != c.LocalAddr().String() {
				t.Errorf("RemoteAddr %v, want %v", got.RemoteAddr, c.LocalAddr())
			}
			got.RemoteAddr, got.Err = nil, nil
			if got != tc.want {
				t.Errorf("end %+v, want %+v", got, tc.want)
			}
		})
	}
	eventually(t, "all conns gone", func() bool { return s.Stats().Connections == 0 })
	if len(ended) != 0 || len(opened) != 0 {
		t.Error("a callback came twice")
	}
}

// The engine takes a half close for the end; what was said before it is answered all the same.
func TestHalfClose(t *testing.T) {
	s := serve(t, Config{Handler: echo})
	c := dial(t, s, "/")
	c.text("last words")
	if err := c.socket.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.wantText("last words")
	c.wantEOF()
}

func TestSendWhenNotOpen(t *testing.T) {
	opened, results := newBox[*Conn](), newBox[error]()
	s := serve(t, Config{Handler: funcs{
		open: func(c *Conn) { opened <- c },
		close: func(c *Conn, _ End) {
			results <- c.Send(frame.OpText, []byte("too late"))
			results <- c.Ping(nil)
			results <- c.Subscribe(c.Server().NewTopic(TopicOptions{}))
		},
	}})
	c := dial(t, s, "/")
	server := opened.take(t)
	onLoop(t, server, func(c *Conn) {
		if err := c.Ping(make([]byte, 126)); err != ErrControlTooLong {
			t.Errorf("Ping of 126 bytes: %v", err)
		}
		c.Close(1000, "")
	})
	c.wantClose(1000, "")
	for range 3 {
		if err := results.take(t); err != ErrClosed {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
}

func TestHandlerPanics(t *testing.T) {
	ended := newBox[End]()
	bystander := serve(t, Config{
		Handler: funcs{
			open: func(c *Conn) {
				if c.Context() == "open" {
					panic("in open")
				}
			},
			message: func(c *Conn, op frame.Opcode, payload []byte) {
				if string(payload) == "panic" {
					panic("in message")
				}
				_ = c.Send(op, payload)
			},
			close: func(c *Conn, e End) {
				ended <- e
				if c.Context() == "close" {
					panic("in close")
				}
			},
		},
		Upgrade: func(_ *Conn, r *frame.Request) (Accept, error) {
			if string(r.Path) == "/upgrade" {
				panic("in upgrade")
			}
			return Accept{Context: string(r.Path[1:])}, nil
		},
	})
	s := bystander
	healthy := dial(t, s, "/healthy")

	c := dial(t, s, "/open")
	c.wantClose(1011, "internal")
	ended.take(t)
	c = dial(t, s, "/message")
	c.text("panic")
	c.wantClose(1011, "internal")
	ended.take(t)
	c = dial(t, s, "/close")
	c.send(frame.OpClose, "")
	c.want(frame.OpClose, "")
	c.wantEOF()
	ended.take(t)
	c = connect(t, s)
	c.write(handshakeBytes("/upgrade"))
	if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 500 ") {
		t.Errorf("answer %q, want 500", head)
	}

	healthy.text("still here")
	healthy.wantText("still here")
	eventually(t, "four panics counted", func() bool { return s.Stats().Panics == 4 }) // that in OnClose comes behind what it tells us
}

func TestPostRunsInOrderOnOpenConns(t *testing.T) {
	opened := newBox[*Conn]()
	s := serve(t, Config{Handler: funcs{open: func(c *Conn) { opened <- c }}})
	c := dial(t, s, "/")
	server := opened.take(t)
	const posts = 5000 // the engine's own task queue changes the order from 1,024 on
	for i := range posts {
		server.Post(func(c *Conn) { _ = c.Send(frame.OpBinary, []byte{byte(i), byte(i >> 8)}) })
	}
	for i := range posts {
		c.want(frame.OpBinary, string([]byte{byte(i), byte(i >> 8)}))
	}
	c.Close()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if server.Post(func(*Conn) { t.Error("ran after the end") }) {
		t.Error("Post says yes after the end")
	}
}

func TestContextAndServer(t *testing.T) {
	opened := newBox[*Conn]()
	s := serve(t, Config{
		Handler: funcs{open: func(c *Conn) { opened <- c }},
		Upgrade: func(*Conn, *frame.Request) (Accept, error) { return Accept{Context: 1}, nil },
	})
	dial(t, s, "/")
	server := opened.take(t)
	if server.Server() != s {
		t.Error("not the server")
	}
	onLoop(t, server, func(c *Conn) {
		if c.Context() != 1 {
			t.Errorf("context %v, want 1", c.Context())
		}
		c.SetContext("two")
		if c.Context() != "two" {
			t.Errorf("context %v, want two", c.Context())
		}
	})
}
