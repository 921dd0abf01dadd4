package edge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/dialect/raw"
)

// In the order of a drain: /readyz says no while all else goes on; then new clients are refused, and those there are told when
// to come back, and closed.
func TestDrain(t *testing.T) {
	delay := make(chan time.Time)
	asked := make(chan time.Duration, 1)
	s := startServer(t, Config{Drain: Drain{Delay: time.Minute}, after: func(d time.Duration) <-chan time.Time { asked <- d; return delay }})
	c := greet(t, s)
	c.subscribe("news")
	plain := dial(t, s, "/ws/raw?channel=news", "")
	if status, _ := call(t, s, "GET", "/readyz", "", nil); status != 200 {
		t.Fatalf("/readyz %d before", status)
	}
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	if d := <-asked; d != time.Minute {
		t.Errorf("a delay of %v", d)
	}
	if status, body := call(t, s, "GET", "/readyz", "", nil); status != 503 || body != "draining" {
		t.Errorf("/readyz %d %s during the delay", status, body)
	}
	if status, _ := call(t, s, "GET", "/healthz", "", nil); status != 200 {
		t.Errorf("/healthz %d during the delay", status)
	}
	late := greet(t, s) // the load balancer has not noticed yet
	post(t, s, "/api/publish", `{"channel":"news","data":1}`)
	c.want(`{"type":"message","channel":"news","data":1,"offset":1}`)
	plain.want("1")
	close(delay)
	for _, client := range []*client{c, late} {
		var ms int
		text := client.hear()
		if _, err := fmt.Sscanf(text, `{"type":"disconnect","code":3001,"reason":"shutdown","retry_after_ms":%d}`, &ms); err != nil || ms > 1003 {
			t.Errorf("%s: %v", text, err)
		}
		client.wantClose(native.CloseShutdown)
	}
	plain.wantClose(raw.CloseShutdown)
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if n := s.reactor.Stats().Ended["shutdown"]; n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
}

// Who comes while clients are being told to go is refused, with the time to come back.
func TestDrainRefusesNewClients(t *testing.T) {
	if *tlsFlag != "" {
		return // an answer would cost a handshake, so there is none: reactor's TestCapHangsUpOnTLS
	}
	s := startServer(t, Config{Drain: Drain{Spread: time.Hour}})
	var clients []*client
	for range 250 { // a quarter of a second, in three slices
		clients = append(clients, greet(t, s))
	}
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	for deadline := time.Now().Add(patience); s.reactor.Stats().Ended["shutdown"] == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nobody is told to go")
		}
		time.Sleep(time.Millisecond)
	}
	// The last clients have not answered their close frames, so the server is still there.
	for _, request := range []string{handshake(s, "/ws", ""), "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"} {
		if c := dialRaw(t, s, request); c.status() != "503" || !strings.Contains(c.head, "Retry-After: ") {
			t.Errorf("%s", c.head)
		}
	}
	for _, c := range clients {
		c.want(`{"type":"disconnect","code":3001,"reason":"shutdown","retry_after_ms":*}`)
		c.wantClose(native.CloseShutdown)
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// A delay is cut short by the end of the time that a drain has, and that is an error: clients were cut off.
func TestDrainThatIsCutShort(t *testing.T) {
	s := startServer(t, Config{Drain: Drain{Delay: time.Hour}, after: func(time.Duration) <-chan time.Time { return nil }})
	greet(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
	if spread := s.retrySpread(); spread != 1001 {
		t.Errorf("a return is spread over %d ms, want it by the one client that there was when it began", spread)
	}
	if s.DrainTime() != time.Hour+5*time.Second {
		t.Errorf("%v", s.DrainTime())
	}
}
