package embedded

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// maxPayload is the largest message: what the API takes, as a client may write it, and headers.
	maxPayload = 8 << 20
	// startPatience is how long the server may take to read what it has stored, before it takes connections.
	startPatience = 2 * time.Minute
	startStep     = 100 * time.Millisecond
)

// Server is one that runs.
type Server struct {
	server  *server.Server
	options *server.Options
	lock    *os.File
}

// Start runs a server. It waits until the server takes connections; a member of a cluster may find the others later.
func Start(config Config) (*Server, error) {
	c := config.withDefaults()
	if err := c.Check(); err != nil {
		return nil, err
	}
	lock, err := lock(c.Dir)
	if err != nil {
		return nil, err
	}
	options, err := c.options()
	var s *server.Server
	if err == nil {
		s, err = start(&c, options)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("the embedded engine does not start: %w", err)
	}
	return &Server{s, options, lock}, nil
}

func start(c *Config, options *server.Options) (*server.Server, error) {
	s, err := server.NewServer(options)
	if err != nil {
		return nil, err
	}
	failed := &journal{logger: c.Logger}
	s.SetLoggerV2(failed, false, false, false)
	s.Start()
	for end := time.Now().Add(startPatience); time.Now().Before(end) && failed.fatal() == ""; {
		if s.ReadyForConnections(startStep) && s.JetStreamEnabled() {
			return s, nil
		}
	}
	s.Shutdown()
	s.WaitForShutdown()
	return nil, errors.New(cmp.Or(failed.fatal(), "it takes no connections"))
}

// options are those of the NATS server.
func (c *Config) options() (*server.Options, error) {
	name, err := nameIn(c.Dir)
	if err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName: name, JetStream: true, StoreDir: filepath.Join(c.Dir, "store"), DontListen: true, NoSigs: true, MaxPayload: maxPayload,
		SyncInterval: c.SyncInterval, DisableJetStreamBanner: true,
	}
	if c.SyncInterval < 0 {
		o.SyncInterval, o.SyncAlways = defaultSyncInterval, true
	}
	if c.MaxMemory > 0 {
		o.JetStreamMaxMemory = c.MaxMemory
	}
	if c.ClusterListen == "" {
		if c.Clients {
			c.takeClients(o)
		}
		return o, nil
	}
	host, port, err := splitAddr(c.ClusterListen)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	// The NATS server takes no members before it takes clients. So it does, where nobody else is, and from nobody else.
	c.takeClients(o)
	o.Cluster = server.ClusterOpts{Name: c.Cluster, Host: host, Port: port, NoAdvertise: true}
	if c.Secret != "" {
		o.Cluster.Username, o.Cluster.Password = routeUser, c.Secret
	}
	o.Routes = make([]*url.URL, len(c.Routes))
	for i, route := range c.Routes {
		o.Routes[i] = c.route(route)
	}
	return o, nil
}

// takeClients has the server take clients of this machine who know a password that exists nowhere else.
func (c *Config) takeClients(o *server.Options) {
	o.DontListen, o.Host, o.Port = false, "127.0.0.1", server.RANDOM_PORT
	o.Username, o.Password = routeUser, rand.Text()
}

// Access is how other processes of this machine reach a server with Config.Clients.
func (s *Server) Access() (url, user, password string) {
	return s.server.ClientURL(), s.options.Username, s.options.Password
}

// Options have a NATS client use the server, without a port.
func (s *Server) Options() []nats.Option {
	return []nats.Option{nats.InProcessServer(s.server), nats.UserInfo(s.options.Username, s.options.Password)}
}

// ClusterAddr is where the server listens for other members; "" where it is alone.
func (s *Server) ClusterAddr() string {
	if addr := s.server.ClusterAddr(); addr != nil {
		return addr.String()
	}
	return ""
}

// Close ends the server, after it has written what it has. Close the engine that uses it before.
func (s *Server) Close() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	s.lock.Close()
}
