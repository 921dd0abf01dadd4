package reactor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pages is what the tests of the hand-off ask for.
type pages struct {
	*http.ServeMux
	running box[struct{}] // a request of /wait has begun
	resume  chan struct{} // ends it
	ended   box[error]    // of /endless
}

func newPages() *pages {
	p := &pages{ServeMux: http.NewServeMux(), running: newBox[struct{}](), resume: make(chan struct{}), ended: newBox[error]()}
	p.HandleFunc("/count/{n}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("n")) })
	p.HandleFunc("/echo", echoBody)
	p.HandleFunc("/sum", sumBody)
	p.HandleFunc("/large", sendLarge)
	p.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("in a handler") })
	p.HandleFunc("/events", p.sendEvents)
	p.HandleFunc("/hijack", hijackRaw)
	p.HandleFunc("/wait", func(w http.ResponseWriter, _ *http.Request) {
		p.running <- struct{}{}
		<-p.resume
		_, _ = io.WriteString(w, "waited")
	})
	p.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		var err error
		for err == nil {
			_, err = w.Write(make([]byte, 64<<10))
		}
		<-r.Context().Done()
		p.ended <- err
	})
	return p
}

func echoBody(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // HTTP/1 reads all of a request before it answers
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Trailer", r.Trailer.Get("X-Sum"))
	_, _ = w.Write(body)
}

func sumBody(w http.ResponseWriter, r *http.Request) {
	h := sha256.New()
	n, _ := io.Copy(h, r.Body)
	fmt.Fprintf(w, "%d %x", n, h.Sum(nil))
}

const largeBytes = 64 << 20

// sendLarge sends 64 MiB that cannot be mistaken for one another.
func sendLarge(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(largeBytes))
	_, _ = io.CopyN(w, newNoise(), largeBytes)
}

func newNoise() io.Reader { return rand.NewChaCha8([32]byte{7}) }

func (p *pages) sendEvents(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 5 {
		if i == 3 { // the client must have what was flushed, though the response goes on
			<-p.resume
		}
		fmt.Fprintf(w, "data: %d\n\n", i)
		_ = http.NewResponseController(w).Flush()
	}
}

// hijackRaw speaks another protocol: each line comes back in upper case.
func hijackRaw(w http.ResponseWriter, _ *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = rw.WriteString("READY\n")
	_ = rw.Flush()
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = rw.WriteString(strings.ToUpper(line))
		_ = rw.Flush()
	}
}

func request(method, path string, lines ...string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: example.org\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

func (c *client) response(method string) *http.Response {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

func TestHandOffKeepAlive(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	c := connect(t, s)
	for i := range 100 {
		c.keepAlive("/count/"+strconv.Itoa(i), strconv.Itoa(i))
	}
	if st := s.Stats(); st.HTTP != 1 || st.Accepted != 1 {
		t.Errorf("%d of HTTP, %d accepted, want 1 and 1", st.HTTP, st.Accepted)
	}
}

func TestHandOffPipelined(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	var all strings.Builder
	const requests = 2000 // 90 KB: more than a loop reads at once
	for i := range requests {
		all.WriteString(request("GET", "/count/"+strconv.Itoa(i)))
	}
	for _, cut := range []int{1, 50, 4096, 65536, all.Len()} {
		c := connect(t, s)
		go func() {
			_, _ = io.WriteString(c, all.String()[:cut])
			s.settle()
			_, _ = io.WriteString(c, all.String()[cut:])
		}()
		for i := range requests {
			c.wantBody(strconv.Itoa(i))
		}
		c.Close()
	}
}

// A request is the same wherever it is cut.
func TestHandOffCutAtEveryByte(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	whole := request("POST", "/echo", "Transfer-Encoding: chunked", "Trailer: X-Sum") +
		"5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nX-Sum: 12\r\n\r\n"
	for cut := 1; cut < len(whole); cut++ {
		c := connect(t, s)
		c.write([]byte(whole[:cut]))
		s.settle()
		c.write([]byte(whole[cut:]))
		resp := c.response("POST")
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "hello, world" || resp.Header.Get("X-Trailer") != "12" {
			t.Fatalf("cut at %d: %q, trailer %q, %v", cut, body, resp.Header.Get("X-Trailer"), err)
		}
		c.Close()
	}
}

func TestHandOffContinue(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	c := connect(t, s)
	for range 3 {
		c.write([]byte(request("POST", "/echo", "Content-Length: 5", "Expect: 100-continue")))
		if head := string(c.head()); head != "HTTP/1.1 100 Continue\r\n\r\n" {
			t.Fatalf("got %q", head)
		}
		c.write([]byte("hello"))
		c.wantBody("hello")
	}
}

func TestHandOffHead(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	c := connect(t, s)
	c.write([]byte(request("HEAD", "/large") + request("GET", "/count/1")))
	if resp := c.response("HEAD"); resp.ContentLength != largeBytes {
		t.Errorf("Content-Length %d", resp.ContentLength)
	}
	c.wantBody("1") // right behind the head: it had no body
}

// What is flushed arrives before the response ends.
func TestHandOffStreams(t *testing.T) {
	p := newPages()
	s := serve(t, Config{Handler: echo, HTTP: p})
	c := connect(t, s)
	c.write([]byte(request("GET", "/events")))
	resp := c.response("GET")
	events := bufio.NewScanner(resp.Body)
	for i := range 5 {
		if i == 3 {
			close(p.resume)
		}
		if !events.Scan() || events.Text() != fmt.Sprint("data: ", i) || !events.Scan() {
			t.Fatalf("event %d: %q %v", i, events.Text(), events.Err())
		}
	}
	if events.Scan() {
		t.Errorf("more: %q", events.Text())
	}
}

func TestHandOffLargeResponseToASlowReader(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	ws := dial(t, s, "/")
	c := connect(t, s)
	_ = c.socket.SetReadBuffer(128 << 10)
	c.write([]byte(request("GET", "/large")))
	resp := c.response("GET")
	got, want := make([]byte, 100_000), make([]byte, 100_000)
	noise := newNoise()
	for total := 0; total < largeBytes; {
		if total < 10_000_000 { // meanwhile the loops go on
			ws.text("alive")
			ws.wantText("alive")
		}
		n, err := io.ReadFull(resp.Body, got[:min(len(got), largeBytes-total)])
		if err != nil {
			t.Fatalf("after %d bytes: %v", total, err)
		}
		if _, err := io.ReadFull(noise, want[:n]); err != nil || !bytes.Equal(got[:n], want[:n]) {
			t.Fatalf("other bytes behind %d, %v", total, err)
		}
		total += n
	}
	if n, err := resp.Body.Read(got); n != 0 || err != io.EOF {
		t.Errorf("%d more bytes, %v", n, err)
	}
}

func TestHandOffLargeUpload(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	h := sha256.New()
	_, _ = io.CopyN(h, newNoise(), largeBytes)
	for _, chunked := range []bool{false, true} {
		body := io.LimitReader(newNoise(), largeBytes)
		req, err := http.NewRequest("POST", scheme()+"://"+s.Addr().String()+"/sum", body)
		if err != nil {
			t.Fatal(err)
		}
		if !chunked {
			req.ContentLength = largeBytes
		}
		req.Close = true
		resp, err := (&http.Transport{DisableKeepAlives: true, TLSClientConfig: clientTLS}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := fmt.Sprintf("%d %x", largeBytes, h.Sum(nil)); err != nil || string(got) != want {
			t.Errorf("chunked %v: %s, %v; want %s", chunked, got, err, want)
		}
	}
}

// A panic costs its own request, and nobody else's.
func TestHandOffPanic(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages()})
	ws, other := dial(t, s, "/"), connect(t, s)
	other.keepAlive("/count/1", "1")
	c := connect(t, s)
	c.keepAlive("/count/2", "2")
	c.write([]byte(request("GET", "/panic")))
	c.wantEOF()
	c.Close()
	other.keepAlive("/count/3", "3")
	ws.text("alive")
	ws.wantText("alive")
	eventually(t, "its place given back", func() bool { return s.Stats().Connections == 2 })
}

// A handler may take the connection for a protocol of its own; its place is given back when it closes.
func TestHandOffHijack(t *testing.T) {
	s := serve(t, Config{Handler: echo, HTTP: newPages(), MaxConns: 1})
	for range 3 {
		c := connect(t, s)
		c.keepAlive("/count/1", "1")
		c.write([]byte(request("GET", "/hijack") + "ahead\n"))
		for _, want := range []string{"READY\n", "AHEAD\n"} {
			if line, err := c.r.ReadString('\n'); err != nil || line != want {
				t.Fatalf("%q %v, want %q", line, err, want)
			}
		}
		c.write([]byte("later\n"))
		if line, err := c.r.ReadString('\n'); err != nil || line != "LATER\n" {
			t.Fatalf("%q %v", line, err)
		}
		if st := s.Stats(); st.Connections != 1 || st.HTTP != 1 {
			t.Errorf("%d connections, %d of HTTP", st.Connections, st.HTTP)
		}
		c.Close()
		eventually(t, "room", goneFrom(s))
	}
}

// A handler whose client goes away is told, and the place given back.
func TestHandOffClientGoesAway(t *testing.T) {
	p := newPages()
	s := serve(t, Config{Handler: echo, HTTP: p})
	for _, reset := range []bool{false, true} {
		c := connect(t, s)
		c.write([]byte(request("GET", "/endless")))
		if _, err := io.CopyN(io.Discard, c.r, 1<<20); err != nil {
			t.Fatal(err)
		}
		if reset {
			_ = c.socket.SetLinger(0)
		}
		c.Close()
		if err := p.ended.take(t); err == nil {
			t.Error("no error")
		}
		eventually(t, "room", goneFrom(s))
	}
}

// Shutdown waits for requests that run, idle connections are closed at once.
func TestHandOffShutdownWaits(t *testing.T) {
	p := newPages()
	s := serve(t, Config{Handler: echo, HTTP: p})
	idle := connect(t, s)
	idle.keepAlive("/count/1", "1")
	busy := connect(t, s)
	busy.write([]byte(request("GET", "/wait")))
	p.running.take(t)
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	idle.wantEOF()
	idle.Close()
	select {
	case err := <-done:
		t.Fatalf("Shutdown is back while a request runs: %v", err)
	default:
	}
	close(p.resume)
	busy.wantBody("waited")
	busy.wantEOF()
	busy.Close()
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// A Shutdown whose time is up cuts requests off.
func TestHandOffShutdownIsBounded(t *testing.T) {
	p := newPages()
	defer close(p.resume)
	s := serve(t, Config{Handler: echo, HTTP: p})
	busy := connect(t, s)
	busy.write([]byte(request("GET", "/wait")))
	p.running.take(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	if _, err := io.ReadAll(busy.r); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		var reset *net.OpError
		if !errors.As(err, &reset) || reset.Timeout() {
			t.Errorf("the connection is still there: %v", err)
		}
	}
	eventually(t, "nothing left", goneFrom(s))
}

// The time that net/http leaves a client to say its next request is its own; the first head had the handshake's.
func TestHandOffDeadlineOfTheNextHead(t *testing.T) {
	clock := newClock() // of the loops: it stands still
	s := serve(t, Config{Handler: echo, HTTP: newPages(), now: clock.Now, HandshakeTimeout: 200 * time.Millisecond})
	c := connect(t, s)
	c.keepAlive("/count/1", "1")
	c.write([]byte("GET /count/2 HT"))
	_, _ = io.ReadAll(c.r)
	c.Close()
	eventually(t, "room", goneFrom(s))
}
