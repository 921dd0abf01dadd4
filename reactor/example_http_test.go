package reactor_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/wsedge/wsedge/reactor"
)

// A program that has a router already: the server is one of its routes.
func ExampleServer_ServeHTTP() {
	s, err := reactor.Listen(reactor.Config{Handler: shout{}}) // no Addr: it does not listen
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /room", s)
	web := httptest.NewServer(mux)

	b := connect(web.Listener.Addr(), "/room")
	fmt.Println(b.hears())
	fmt.Println(s.Stats().Open, "open")
	b.Close()

	web.Close()
	if err := s.Shutdown(context.Background()); err != nil { // net/http knows nothing of the conns any more
		log.Fatal(err)
	}
	// Output:
	// welcome
	// 1 open
	// closed with 1006  by the client: false
}

// What the router and middleware have found out about a request stays with the conn, by way of Accept.Context.
func ExampleConn_Request() {
	type userKey struct{}
	s, err := reactor.Listen(reactor.Config{
		Upgrade: func(c *reactor.Conn, _ *reactor.Request) (reactor.Accept, error) {
			r := c.Request()
			return reactor.Accept{Context: fmt.Sprint(r.Context().Value(userKey{}), " in ", r.PathValue("room"))}, nil
		},
		Handler: reactor.Funcs{Open: func(c *reactor.Conn) { _ = c.Send(reactor.Text, []byte(reactor.Context[string](c))) }},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	authenticated := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "ann")))
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /rooms/{room}", authenticated(s))
	web := httptest.NewServer(mux)
	defer web.Close()

	b := connect(web.Listener.Addr(), "/rooms/kitchen")
	defer b.Close()
	fmt.Println(b.hears())
	// Output: ann in kitchen
}

// A router on the server's own port sees requests for WebSockets, too, and sends some of them back to the server.
func ExampleConfig_routeUpgrades() {
	mux := http.NewServeMux()
	s, err := reactor.New(reactor.Config{
		Addr: "127.0.0.1:0", HTTP: mux, RouteUpgrades: true,
		Upgrade: func(c *reactor.Conn, _ *reactor.Request) (reactor.Accept, error) {
			return reactor.Accept{Context: c.Request().PathValue("room")}, nil
		},
		Handler: reactor.Funcs{Open: func(c *reactor.Conn) { _ = c.Send(reactor.Text, []byte(reactor.Context[string](c))) }},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("GET /rooms/{room}", s)
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	b := connect(s.Addr(), "/rooms/kitchen")
	defer b.Close()
	fmt.Println(b.hears())
	// Output: kitchen
}

// The other way round: the server has the port, and what is no WebSocket falls through to a handler.
func ExampleConfig_fallThrough() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello, browser") })
	s := listen(reactor.Config{Handler: reactor.Funcs{}, HTTP: mux})
	defer s.Shutdown(context.Background())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + s.Addr().String() + "/hello")
	if err != nil {
		log.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Println(resp.Status, string(body))
	// Output: 200 OK hello, browser
}

// wss, and https for the fall-through handler, with no goroutine per connection.
func ExampleTLSOptions() {
	borrowed := httptest.NewTLSServer(nil) // its certificate is for examples
	defer borrowed.Close()
	s := listen(reactor.Config{
		Handler: reactor.Funcs{Open: func(c *reactor.Conn) {
			state, _ := c.TLS()
			_ = c.Send(reactor.Text, []byte(tls.VersionName(state.Version)))
		}},
		TLS: &reactor.TLSOptions{Config: &tls.Config{Certificates: borrowed.TLS.Certificates}},
	})
	defer s.Shutdown(context.Background())
	conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: borrowed.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"})
	if err != nil {
		log.Fatal(err)
	}
	b := upgrade(conn, "/")
	defer b.Close()
	fmt.Println(b.hears())
	// Output: TLS 1.3
}
