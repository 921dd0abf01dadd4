package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"
)

// Config is what a Server works with.
type Config struct {
	// Dir keeps the streams, and the name under which the cluster knows this server. It is made if it is not there. Required.
	Dir string
	// SyncInterval is how often files are synced to the disk; 0: once a minute; negative: before every answer. What a process had said to have stored survives the
	// process however it ends, but of what was stored within the last interval the machine may lose something if it loses power.
	SyncInterval time.Duration
	// ClusterListen is where other members connect to, host:port. Without it the server is alone, and listens nowhere.
	ClusterListen string
	// Routes are where the members listen, host:port; to begin, one that is up is enough. This one may be among them, so that all can have the same list.
	Routes []string
	// Cluster is the cluster's name, the same for all members. Default "wsedge".
	Cluster string
	// Secret is what members know each other by. Danger: without one, whoever reaches ClusterListen reads and publishes everything; so it is required where that is
	// not a loopback address. The connections are not encrypted.
	Secret string
	// Clients has the server take other processes of this machine, who know Access: on the loopback interface, on a port that the system picks.
	Clients bool
	// MaxMemory bounds what streams keep in memory, in bytes; above it publications are refused. Default: the NATS server's, 3/4 of the machine's.
	MaxMemory int64
	// Logger gets what the server has to say. Default slog.Default().
	Logger *slog.Logger
}

const defaultSyncInterval = time.Minute

// Check says what is wrong with it, all problems together.
func (c *Config) Check() error {
	var problems []error
	if c.Dir == "" {
		problems = append(problems, errors.New("an embedded engine needs a directory"))
	}
	if c.ClusterListen == "" {
		if len(c.Routes) > 0 {
			problems = append(problems, errors.New("cluster routes need an address to listen on for the other members"))
		}
	} else if len(c.Routes) == 0 {
		problems = append(problems, errors.New("a member of a cluster needs routes: where the members listen"))
	} else if host, _, err := splitAddr(c.ClusterListen); err != nil {
		problems = append(problems, fmt.Errorf("cluster address %q: %w", c.ClusterListen, err))
	} else if ip := net.ParseIP(host); c.Secret == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		problems = append(problems, fmt.Errorf("cluster address %q can be reached by others, who could read and publish everything: a secret is required", c.ClusterListen))
	}
	for _, route := range c.Routes {
		if host, port, err := splitAddr(route); err != nil || host == "" || port == 0 {
			problems = append(problems, fmt.Errorf("cluster route %q: want host:port", route))
		}
	}
	return errors.Join(problems...)
}

// splitAddr takes host:port apart.
func splitAddr(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, errors.New("want host:port")
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, errors.New("want a port from 0 to 65535")
	}
	return host, int(n), nil
}

// routeUser is who members say that they are. The secret counts.
const routeUser = "wsedge"

// route is the URL of a member.
func (c *Config) route(addr string) *url.URL {
	u := &url.URL{Scheme: "nats-route", Host: addr}
	if c.Secret != "" {
		u.User = url.UserPassword(routeUser, c.Secret)
	}
	return u
}

func (c Config) withDefaults() Config {
	c.Cluster = cmp.Or(c.Cluster, "wsedge")
	c.SyncInterval = cmp.Or(c.SyncInterval, defaultSyncInterval)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}
