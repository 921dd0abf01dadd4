package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/wsedge/wsedge/internal/certs"
	"github.com/wsedge/wsedge/internal/config"
	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/internal/workers"
)

// defaultAdminAddr is where metrics and profiles are, but in development mode.
const defaultAdminAddr = "127.0.0.1:8081"

// serving is what the file, the environment and the command line say about serve, each before the one named first.
type serving struct {
	cfg    edge.Config
	secure *tlsFlags
	access *authFlags
	hooks  *webhookFlags
	engine *engineFlags
	traced *tracingFlags
	format *logFormat

	workers int // --workers
	tickets *ticketFlags

	origins  list
	problem  error            // of the files that flags name
	file     string           // --config
	text     []byte           // of that; nil: none
	document *config.Document // what is in it; nil: development mode
}

// addFile declares --config, and flags for what is at home in the file.
func (s *serving) addFile(flags *flag.FlagSet) {
	addConfig(flags, &s.file, "")
	flags.StringVar(&s.cfg.AdminAddr, "admin-addr", "",
		"`address` of metrics, profiles and the console, host:port, or off (default: 127.0.0.1:8081 with --config or authentication; otherwise metrics and the console are on --addr, and there are no profiles)")
	flags.BoolVar(&s.cfg.InsecureAdmin, "insecure-admin", false, "allow an --admin-addr outside the loopback interface: whoever reaches it sees the memory of the process")
	flags.BoolFunc("console", "serve the console: at / of --admin-addr, or of --addr where metrics are there (default true)", func(value string) error {
		on, err := strconv.ParseBool(value)
		s.cfg.NoConsole = !on
		return err
	})
	flags.IntVar(&s.cfg.MaxChannels, "max-channels", 0, "most channels of the node (default 1000000)")
	flags.DurationVar(&s.cfg.ChannelIdle, "channel-idle", 0, "how long a channel that nobody uses is remembered (default 5m)")
}

// addConfig declares --config.
func addConfig(flags *flag.FlagSet, file *string, byDefault string) {
	flags.StringVar(file, "config", byDefault, "configuration `file` (YAML; see wsedge init)")
}

// readServing reads all of it. Where that goes wrong it says so, and returns nil and the exit status.
func readServing(e *environment, args []string) (*serving, int) { return readOrdered(e, args, nil) }

// readOrdered is readServing for a worker, whose orders have the file's text; nil: the process is none.
func readOrdered(e *environment, args []string, w *workers.Worker) (*serving, int) {
	s, flags := declareServing(e)
	if err := parse(e, flags, args); err != nil { // first for the file's name
		return nil, exitStatus(err)
	}
	if s.file == "" {
		if s.access.given() {
			if s, err := guarded(e, args); err == nil {
				return s, exitOK
			}
			return nil, exitUsage
		}
		s.cfg.Origins = s.origins.values
		s.cfg.Auth, s.problem = s.access.over(nil)
		return s, exitOK
	}
	document, text, err := documentFor(w, s.file)
	if err != nil {
		return nil, e.fail(invalid(err), exitFailure)
	}
	s, problems, err := configured(e, args, s.file, document)
	switch {
	case err != nil:
		return nil, exitStatus(err)
	case len(problems) > 0:
		return nil, e.fail(invalid(config.Join(problems)), exitFailure)
	}
	s.text = text
	return s, exitOK
}

// documentFor reads the configuration file, or what a worker's orders have of it.
func documentFor(w *workers.Worker, file string) (document *config.Document, text []byte, err error) {
	if w == nil || w.Orders.Config == nil {
		if text, err = readFile(file); err != nil {
			return nil, nil, err
		}
		document, err = config.Parse(file, text, dirOf(file))
		return document, text, err
	}
	text = w.Orders.Config
	if document, err = config.Parse(file, text, dirOf(file)); err != nil || bytes.Equal(text, w.Orders.Basis) {
		return document, text, err
	}
	basis, err := config.Parse(file, w.Orders.Basis, dirOf(file))
	if err == nil {
		document, _ = document.Reloaded(basis) // as the workers have it that have reloaded
	}
	return document, text, err
}

// guarded is what serve works with where flags turn authentication on: that is no development mode, so that the standard limits hold where
// flags say nothing else, and metrics and profiles are on the admin address. An error has been told.
func guarded(e *environment, args []string) (*serving, error) {
	s, flags := declareServing(e)
	s.cfg.Limits = edge.StandardLimits()
	if err := parse(e, flags, args); err != nil {
		return nil, err
	}
	s.cfg.Origins = s.origins.values
	if s.cfg.AdminAddr == "" {
		s.cfg.AdminAddr = defaultAdminAddr
	}
	s.cfg.Auth, s.problem = s.access.over(nil)
	return s, nil
}

// invalid is what serve says of a file that is wrong.
func invalid(err error) error { return fmt.Errorf("invalid configuration:\n%w", err) }

// readDocument reads a configuration file.
func readDocument(name string) (*config.Document, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return config.Parse(name, text, dirOf(name))
}

// configured is what serve works with where the file says what document does. problems are the file's, and err is one of flags or
// environment, which has been told.
func configured(e *environment, args []string, file string, document *config.Document) (s *serving, problems []*config.Problem, err error) {
	s, flags := declareServing(e)
	s.document = document
	*s.cfg.Namespaces = *document.Channels()
	s.cfg.Limits = edge.StandardLimits()
	for _, o := range document.Settings() {
		if err := flags.Set(o.Flag, o.Value); err != nil {
			problems = append(problems, document.Problem(file, o.Path, err.Error()))
		}
	}
	presetLists(flags)
	if err := parse(e, flags, args); err != nil {
		return nil, nil, err
	}
	s.file = file
	s.cfg.Logs, s.cfg.FlightRecorder.Ends = logsOf(document), document.FlightRecorder.Ends
	s.cfg.Origins = s.origins.values
	if s.cfg.AdminAddr == "" {
		s.cfg.AdminAddr = defaultAdminAddr
	}
	section, more := document.Authentication(file, readFile)
	s.cfg.Auth, s.problem = s.access.over(section)
	return s, append(problems, more...), nil
}

// check reports what is wrong with all of it together, and the exit status for that. It returns what TLS needs.
func (s *serving) check(logger *slog.Logger) (*certs.Config, int, error) {
	certificates, err := s.secure.config(logger)
	s.judge()
	if s.document == nil {
		_, badTracing := s.traced.config()
		return certificates, exitUsage, errors.Join(err, s.problem, badTracing, s.cfg.Check())
	}
	if problems := s.combined(err); len(problems) > 0 {
		return nil, exitFailure, invalid(config.Join(problems))
	}
	return certificates, exitOK, nil
}

// judge finishes the configuration with what flags alone do not say, and notes what is wrong with that.
func (s *serving) judge() {
	hooks, bad := s.hooks.config()
	s.cfg.Webhooks, s.problem = hooks, errors.Join(s.problem, bad, s.engine.check(), s.checkWorkers())
	var inline []string
	if s.document != nil {
		inline = s.document.Tickets.Keys
	}
	tickets, bad := s.tickets.config(inline)
	s.cfg.Tickets, s.problem = tickets, errors.Join(s.problem, bad)
}

// combined are the problems that only the whole has; tls is that of its flags.
func (s *serving) combined(tls error) (problems []*config.Problem) {
	wrong := func(path string, err error) {
		text := strings.TrimPrefix(err.Error(), edge.ErrConfig.Error()+": ")
		for line := range strings.SplitSeq(text, "\n") {
			problems = append(problems, s.document.Problem(s.file, placeOf(line, path), line))
		}
	}
	if tls != nil {
		wrong("tls", tls)
	}
	if s.problem != nil {
		wrong("", s.problem)
	}
	if _, err := s.traced.config(); err != nil {
		wrong("tracing", err)
	}
	if err := s.cfg.Check(); err != nil {
		wrong("", err)
	}
	return problems
}

// beginnings are what problems of a key begin with.
var beginnings = map[string]string{
	"address ": "listen.addr", "admin address ": "listen.admin_addr", "origin ": "listen.origins", "webhook URL ": "webhook.url",
	"webhook events:": "webhook.events", "webhook secret:": "webhook.secret_file", "webhook policy on failure:": "webhook.on_failure",
	"webhook timeout:": "webhook.timeout", "webhook headers:": "webhook.headers",
	"ticket keys:": "tickets.keys",
}

// placeOf is the key that a problem is about, if it begins with what only that one's do, or with its flag; otherwise it is path.
func placeOf(problem, path string) string {
	for beginning, key := range beginnings {
		if strings.HasPrefix(problem, beginning) {
			return key
		}
	}
	name, isFlag := strings.CutPrefix(problem, "--")
	if end := strings.IndexAny(name, ": "); isFlag && end > 0 {
		for _, o := range config.Options {
			if o.Flag == name[:end] {
				return o.Path
			}
		}
	}
	return path
}

// introduce has the log say what runs, and what an operator should know of it.
func (s *serving) introduce(addr, admin net.Addr, sec *security, logger *slog.Logger) {
	switch {
	case s.cfg.Auth != nil:
	case s.document == nil:
		logger.Warn("development mode: no authentication, whoever reaches this address may subscribe and publish")
	default:
		logger.Warn("no authentication: every client is anonymous, and whoever reaches this address may publish by the API")
	}
	about := append(place(addr, sec.scheme("http")), "version", version())
	if admin != nil {
		about = append(about, "admin", admin.String())
	}
	if s.workers > 0 {
		about = append(about, "workers", s.workers)
	}
	logger.Info("listening", about...)
}
