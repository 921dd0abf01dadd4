// Command handler keeps its connected users in topics, answers what they say, and lets a program push: to all of them, or to all
// connections of one.
//
//	go run ./examples/handler -origins https://shop.example
//	curl localhost:8081/push -d 'to everybody'
//	curl localhost:8081/push?user=ann -d 'to ann alone'
//
// Who somebody is the URL says here, ws://localhost:8080/?user=ann; an application would ask a cookie or a token. /push is for programs on
// this machine: it is served on an address of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os/signal"
	"strings"
	"syscall"

	"github.com/wsedge/wsedge/reactor"
)

// handler has a topic of everybody, and one for each user who is there, which is gone when the last conn of the user is: a topic encodes a push once,
// whoever many get it.
type handler struct{ server *reactor.Server }

func (h *handler) all() *reactor.Topic             { return h.server.Topic("all") }
func (h *handler) user(name string) *reactor.Topic { return h.server.Topic("user " + name) }

// upgrade puts the user's name where the other methods find it.
func upgrade(_ *reactor.Conn, r *reactor.Request) (reactor.Accept, error) {
	query, err := url.ParseQuery(string(r.Query))
	if err != nil {
		return reactor.Accept{}, &reactor.HandshakeError{Status: http.StatusBadRequest, Reason: "query"}
	}
	return reactor.Accept{Context: query.Get("user")}, nil
}

func (h *handler) OnOpen(c *reactor.Conn) {
	_ = c.Subscribe(h.all()) // fails only where the conn has closed, which OnClose tells
	_ = c.Subscribe(h.user(reactor.Context[string](c)))
}

func (h *handler) OnMessage(c *reactor.Conn, _ reactor.Opcode, payload []byte) {
	_ = c.Send(reactor.Text, append([]byte("received: "), strings.ToValidUTF8(string(payload), "\uFFFD")...))
}

// OnClose has nothing to do: the conn is out of its topics.
func (h *handler) OnClose(*reactor.Conn, reactor.End) {}

// push sends a text to all, or to one user, and returns to how many connections. It may be called from any goroutine.
func (h *handler) push(to string, text []byte) (int, error) {
	topic := h.all()
	if to != "" {
		topic = h.user(to)
	}
	return topic.Broadcast(reactor.Text, text)
}

// ServeHTTP is the call that pushes.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	n, err := h.push(r.URL.Query().Get("user"), []byte(strings.ToValidUTF8(string(text), "\uFFFD")))
	if err != nil { // reactor.ErrBacklog: too much is on its way, and nobody has got it
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, n)
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	pushAddr := flag.String("push-addr", "127.0.0.1:8081", "`address` of /push, which nobody else should reach")
	origins := flag.String("origins", "*", "`origins` of pages that may connect, with commas between; * lets all, none only this server's own")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	h := &handler{}
	cfg := reactor.Config{Addr: *addr, Handler: h, Upgrade: upgrade}
	if *origins != "none" {
		cfg.Origins = strings.Split(*origins, ",")
	}
	if err := h.serve(ctx, cfg, *pushAddr); err != nil {
		log.Fatal(err)
	}
}

// serve serves both addresses until ctx is done.
func (h *handler) serve(ctx context.Context, cfg reactor.Config, pushAddr string) (err error) {
	if h.server, err = reactor.New(cfg); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", pushAddr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /push", h)
	pushes := &http.Server{Handler: http.NewCrossOriginProtection().Handler(mux)} // pages in this machine's browser are no programs on it
	go func() { _ = pushes.Serve(listener) }()                                    // until Close
	defer pushes.Close()
	if err := h.server.Start(); err != nil {
		return err
	}
	slog.Info("listening", "addr", h.server.Addr().String(), "push", listener.Addr().String())
	return h.server.Serve(ctx)
}
