package edge

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// A loop that does not come back is told of by /healthz and /readyz, as long as it lasts, on an address that needs no loop.
func TestHealthOfAStuckLoop(t *testing.T) {
	s := startServer(t, Config{Loops: 1, AdminAddr: "127.0.0.1:0", stuckAfter: 100 * time.Millisecond})
	c := greet(t, s)
	held, release := make(chan struct{}), make(chan struct{})
	s.clients.conn(c.id).Post(func(*reactor.Conn) {
		close(held)
		<-release
	})
	<-held
	admin := func(path string) (int, string) {
		response, err := http.Get("http://" + s.AdminAddr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		eventually(t, path+" says no", func() bool {
			status, body := admin(path)
			return status == http.StatusServiceUnavailable && strings.HasPrefix(body, "an event loop has not taken its turn for ")
		})
	}
	if _, text := admin("/metrics"); !strings.Contains(text, "\nwsedge_loop_wait_seconds 0.") && !strings.Contains(text, "\nwsedge_loop_wait_seconds 1") {
		t.Error("wsedge_loop_wait_seconds is missing, or 0")
	}
	close(release)
	for _, path := range []string{"/healthz", "/readyz"} {
		eventually(t, path+" says yes", func() bool { status, _ := admin(path); return status == http.StatusOK })
	}
	http.DefaultClient.CloseIdleConnections()
}
