package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
	"github.com/wsedge/wsedge/internal/channel"
)

// Engines by name. Anything else is the URL of an external NATS.
const (
	engineMemory   = "memory"
	engineEmbedded = "embedded"
)

// engineFlags are the flags of what keeps the channels' logs.
type engineFlags struct {
	engine                    string
	prefix                    string
	replicas                  int
	creds, nkey, certificates string // files

	dir, secretFile string
	embedded        embedded.Config
	routes          list
}

// addEngine declares --engine and what belongs to it.
func addEngine(flags *flag.FlagSet) *engineFlags {
	f := &engineFlags{}
	flags.StringVar(&f.engine, "engine", engineMemory,
		"what keeps the channels' logs, and carries publications to other nodes: `ENGINE` is memory, embedded, or the URLs of a NATS cluster with JetStream, nats:// or tls://, with commas between")
	flags.StringVar(&f.dir, "engine-dir", "", "`directory` of what the embedded engine keeps; no two processes may have the same")
	flags.DurationVar(&f.embedded.SyncInterval, "engine-sync", 0,
		"how often the embedded engine syncs to the disk, which is what may be lost if the machine loses power; negative: before every answer (default 1m)")
	flags.IntVar(&f.replicas, "engine-replicas", 0, "how many servers keep each publication: 1, 3 or 5 (default 1)")
	flags.StringVar(&f.prefix, "engine-prefix", "", "what the names of streams and subjects begin with, where several deployments share a NATS account (default wsedge)")
	flags.StringVar(&f.creds, "engine-creds", "", "`file` with credentials (JWT and seed) for NATS")
	flags.StringVar(&f.nkey, "engine-nkey", "", "`file` with an NKey seed for NATS")
	flags.StringVar(&f.certificates, "engine-ca", "", "`file` with the authorities (PEM) that servers of tls:// are verified with (default: the system's)")
	flags.StringVar(&f.embedded.Cluster, "cluster-name", "", "name of the embedded engines' cluster, the same for all members (default wsedge)")
	flags.StringVar(&f.embedded.ClusterListen, "cluster-listen", "", "`address` on which the embedded engine listens for the other members, host:port")
	flags.Var(&f.routes, "cluster-routes", "`addresses` of the members, host:port, with commas between; this one may be among them")
	flags.StringVar(&f.secretFile, "cluster-secret-file", "", "`file` with the secret that members know each other by; required where others can reach --cluster-listen")
	return f
}

// check says what is wrong, all problems together. It also reads the secret.
func (f *engineFlags) check() error {
	var problems []error
	wrong := func(format string, v ...any) { problems = append(problems, fmt.Errorf(format, v...)) }
	external := f.engine != engineMemory && f.engine != engineEmbedded
	if external {
		for text := range strings.SplitSeq(f.engine, ",") {
			if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
				wrong("--engine: want memory, embedded, or URLs such as nats://host:4222 or tls://host:4222")
			}
		}
	}
	if f.engine == engineMemory && (f.replicas != 0 || f.prefix != "") {
		wrong("--engine-replicas and --engine-prefix need another --engine than memory")
	}
	if f.replicas < 0 || f.replicas > 5 {
		wrong("--engine-replicas: want 1 to 5")
	}
	if strings.ContainsAny(f.prefix, " \t\r\n.*>/\\") {
		wrong("--engine-prefix: want no blanks, and none of .*>/\\")
	}
	if !external && f.creds+f.nkey+f.certificates != "" {
		wrong("--engine-creds, --engine-nkey and --engine-ca need an external --engine")
	}
	if f.creds != "" && f.nkey != "" {
		wrong("--engine-creds and --engine-nkey: want one of them")
	}
	for _, file := range []struct{ flag, name string }{{"creds", f.creds}, {"nkey", f.nkey}, {"ca", f.certificates}} {
		if file.name != "" {
			if _, err := readFile(file.name); err != nil {
				wrong("--engine-%s: %w", file.flag, err)
			}
		}
	}
	return errors.Join(append(problems, f.checkEmbedded()...)...)
}

// checkEmbedded is check for the flags of the embedded engine.
func (f *engineFlags) checkEmbedded() (problems []error) {
	c := &f.embedded
	c.Dir, c.Routes = f.dir, f.routes.values
	if f.engine != engineEmbedded {
		if c.Dir != "" || c.ClusterListen != "" || c.Cluster != "" || len(c.Routes) > 0 || f.secretFile != "" || c.SyncInterval != 0 {
			problems = append(problems, errors.New("--engine-dir, --engine-sync and --cluster-… need --engine embedded"))
		}
		return problems
	}
	if f.secretFile != "" {
		secret, err := readSecret(f.secretFile)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("--cluster-secret-file: %w", err))
		case len(secret) < 16:
			problems = append(problems, fmt.Errorf("--cluster-secret-file: %s: want at least 16 bytes", f.secretFile))
		}
		c.Secret = string(secret)
	}
	if f.replicas > 1 && c.ClusterListen == "" {
		problems = append(problems, errors.New("--engine-replicas above 1 need a cluster: --cluster-listen"))
	}
	if err := c.Check(); err != nil {
		problems = append(problems, err)
	}
	return problems
}

// runningEngine is what serve has started. nil: the memory's.
type runningEngine struct {
	server *embedded.Server // nil: an external one
	engine *jetstream.Engine
}

// open starts what was checked. Channels of namespaces that there are have a stream of their own. cursorBytes bounds, as broker.MemoryConfig says, what
// this node has in hand of what users have acknowledged.
func (f *engineFlags) open(namespaces *channel.Namespaces, cursorBytes int64, logger *slog.Logger) (*runningEngine, error) {
	if f.engine == engineMemory {
		return nil, nil
	}
	config := jetstream.Config{
		Prefix: f.prefix, Replicas: f.replicas, Logger: logger, MaxCursorBytes: cursorBytes / 8,
		Namespace: func(name string) string {
			if namespace, _, found := strings.Cut(name, ":"); found && namespaces.ByName[namespace] != nil {
				return namespace
			}
			return ""
		},
	}
	r := &runningEngine{}
	var err error
	if f.engine == engineEmbedded {
		f.embedded.Logger = logger
		began := time.Now()
		if r.server, err = embedded.Start(f.embedded); err != nil {
			return nil, err
		}
		logger.Info("engine: embedded NATS", "dir", f.dir, "cluster", r.server.ClusterAddr(), "took", time.Since(began).Round(time.Millisecond).String())
		config.Options = r.server.Options()
	} else {
		config.URL = f.engine
		if config.Options, err = f.options(); err != nil {
			return nil, err
		}
	}
	if r.engine, err = jetstream.Connect(config); err != nil {
		r.close()
		return nil, fmt.Errorf("--engine: %w", err)
	}
	return r, nil
}

// options are those of the connection to an external engine. Credentials are read again at each reconnect.
func (f *engineFlags) options() (options []nats.Option, err error) {
	if f.creds != "" {
		options = append(options, nats.UserCredentials(f.creds))
	}
	if f.nkey != "" {
		key, err := nats.NkeyOptionFromSeed(f.nkey)
		if err != nil {
			return nil, fmt.Errorf("--engine-nkey: %w", err)
		}
		options = append(options, key)
	}
	if f.certificates != "" {
		options = append(options, nats.RootCAs(f.certificates))
	}
	return options, nil
}

// close ends it, behind everything that uses it.
func (r *runningEngine) close() {
	if r == nil {
		return
	}
	if r.engine != nil {
		r.engine.Close()
	}
	if r.server != nil {
		r.server.Close()
	}
}
