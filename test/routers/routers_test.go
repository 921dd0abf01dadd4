package routers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"github.com/wsedge/wsedge/reactor"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 30 * time.Second

// member is the state of a conn: who the middleware says is there, and the room of the route.
type member struct{ user, room string }

type userKey struct{}

// authenticate is middleware as programs have it: it puts a user into the request's context, or answers 401.
func authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
	})
}

// router is a program's: GET /rooms/{room} is a WebSocket, for who is authenticated, and GET /hello a page for anybody.
type router struct {
	name  string
	mount func(s *reactor.Server) http.Handler
	room  func(r *http.Request) string // the value of the route
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }

func pathValue(r *http.Request) string { return r.PathValue("room") }

var routers = []router{
	{"net/http", func(s *reactor.Server) http.Handler {
		m := http.NewServeMux()
		m.Handle("GET /rooms/{room}", authenticate(s))
		m.HandleFunc("GET /hello", hello)
		return m
	}, pathValue},
	{"chi", func(s *reactor.Server) http.Handler {
		r := chi.NewRouter()
		r.Use(chimiddleware.RequestID, chimiddleware.Recoverer, chimiddleware.Compress(5))
		r.Get("/hello", hello)
		r.Route("/rooms", func(r chi.Router) { r.With(authenticate).Method(http.MethodGet, "/{room}", s) })
		return r
	}, func(r *http.Request) string { return chi.URLParam(r, "room") }},
	{"gorilla/mux", func(s *reactor.Server) http.Handler {
		r := mux.NewRouter()
		r.HandleFunc("/hello", hello)
		rooms := r.PathPrefix("/rooms").Subrouter()
		rooms.Use(authenticate)
		rooms.Handle("/{room}", s).Methods(http.MethodGet)
		return r
	}, func(r *http.Request) string { return mux.Vars(r)["room"] }},
	{"gin", func(s *reactor.Server) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		e := gin.New()
		e.Use(gin.Recovery())
		e.GET("/hello", gin.WrapF(hello))
		e.GET("/rooms/:room", func(c *gin.Context) {
			c.Request.SetPathValue("room", c.Param("room")) // gin's own context is used again: what is to stay goes into the request
			authenticate(s).ServeHTTP(c.Writer, c.Request)
		})
		return e
	}, pathValue},
	{"echo", func(s *reactor.Server) http.Handler {
		e := echo.New()
		e.Use(echomiddleware.Recover(), echomiddleware.Gzip())
		e.GET("/hello", echo.WrapHandler(http.HandlerFunc(hello)))
		e.GET("/rooms/:room", func(c echo.Context) error {
			c.Request().SetPathValue("room", c.Param("room"))
			s.ServeHTTP(c.Response(), c.Request())
			return nil
		}, echo.WrapMiddleware(authenticate))
		return e
	}, pathValue},
}

// config is that of a server whose members say who and where they are, and to whom all that they say comes back.
func (r router) config() reactor.Config {
	return reactor.Config{
		Upgrade: func(c *reactor.Conn, _ *reactor.Request) (reactor.Accept, error) {
			request := c.Request()
			user, _ := request.Context().Value(userKey{}).(string)
			return reactor.Accept{Context: &member{user, r.room(request)}}, nil
		},
		Handler: reactor.Funcs{
			Open: func(c *reactor.Conn) {
				m := reactor.Context[*member](c)
				_ = c.Send(reactor.Text, []byte(m.user+" is in "+m.room))
			},
			Message: func(c *reactor.Conn, op reactor.Opcode, payload []byte) { _ = c.Send(op, payload) },
		},
	}
}

// TestRouters: behind each router and its middleware, by http and by https of net/http, a conn knows the user that middleware has found and the
// value of its route.
func TestRouters(t *testing.T) {
	for _, r := range routers {
		for name, serve := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
			t.Run(r.name+"/"+name, func(t *testing.T) {
				s, err := reactor.Listen(r.config())
				if err != nil {
					t.Fatal(err)
				}
				web := serve(r.mount(s))
				t.Cleanup(func() {
					web.Close()
					end(t, s)
				})
				converse(t, web.URL, web.Client())
			})
		}
	}
}

// TestRoutersOnOurPort: the reactor has the port, and the router gets all requests, those for WebSockets included.
func TestRoutersOnOurPort(t *testing.T) {
	for _, r := range routers {
		t.Run(r.name, func(t *testing.T) {
			var routes http.Handler
			cfg := r.config()
			cfg.Addr, cfg.RouteUpgrades = "127.0.0.1:0", true
			cfg.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routes.ServeHTTP(w, r) })
			s, err := reactor.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			routes = r.mount(s)
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { end(t, s) })
			converse(t, "http://"+s.Addr().String(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
		})
	}
}

func end(t *testing.T, s *reactor.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// converse asks for the page, and for WebSockets with and without a user.
func converse(t *testing.T, url string, client *http.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resp, err := client.Get(url + "/hello")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/hello: %s", resp.Status)
	}
	for path, want := range map[string]int{"/rooms/blue": http.StatusUnauthorized, "/elsewhere": http.StatusNotFound} {
		if _, resp, err := websocket.Dial(ctx, url+path, &websocket.DialOptions{HTTPClient: client}); err == nil || resp == nil || resp.StatusCode != want {
			t.Errorf("%s: %v, want %d", path, err, want)
		}
	}
	c, _, err := websocket.Dial(ctx, url+"/rooms/blue", &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: http.Header{"Authorization": {"Bearer ann"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	hears(ctx, t, c, "ann is in blue")
	for _, text := range []string{"hello", "", strings.Repeat("long ", 5000)} {
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		hears(ctx, t, c, text)
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func hears(ctx context.Context, t *testing.T, c *websocket.Conn, want string) {
	t.Helper()
	if _, got, err := c.Read(ctx); err != nil || string(got) != want {
		t.Fatalf("heard %.50q, %v; want %.50q", got, err, want)
	}
}
