package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// pushServer is a server with one channel, built on another WebSocket library than wsedge and wsload are.
type pushServer struct {
	mu          sync.Mutex
	subscribers map[net.Conn]bool
	handlers    sync.WaitGroup
}

// startPushServer returns its URL.
func startPushServer(t *testing.T) string {
	t.Helper()
	s := &pushServer{subscribers: map[net.Conn]bool{}}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		s.mu.Lock()
		for conn := range s.subscribers {
			_ = conn.Close()
		}
		s.mu.Unlock()
		s.handlers.Wait()
	})
	return "ws" + strings.TrimPrefix(server.URL, "http") + "/ws"
}

func (s *pushServer) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method == http.MethodPost {
		s.publish(w, request)
		return
	}
	conn, _, _, err := ws.UpgradeHTTP(request, w)
	if err != nil {
		return
	}
	s.handlers.Go(func() { s.serve(conn) })
}

func (s *pushServer) publish(w http.ResponseWriter, request *http.Request) {
	var publication struct{ Data json.RawMessage }
	if err := json.NewDecoder(request.Body).Decode(&publication); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.subscribers {
		// One that is gone is noticed by whoever reads from it.
		_ = wsutil.WriteServerText(conn, []byte(`{"type":"message","data":`+string(publication.Data)+`}`))
	}
}

// serve takes the first message for a subscription, and answers a close.
func (s *pushServer) serve(conn net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.subscribers, conn)
		s.mu.Unlock()
		_ = conn.Close()
	}()
	for {
		if _, err := wsutil.ReadClientText(conn); err != nil {
			return
		}
		s.mu.Lock()
		s.subscribers[conn] = true
		err := wsutil.WriteServerText(conn, []byte(`{"type":"subscribed","id":1}`))
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}
