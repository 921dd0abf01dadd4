package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/wsedge/wsedge/internal/certs"
	"github.com/wsedge/wsedge/internal/metrics"
	"github.com/wsedge/wsedge/reactor"
)

// list is a flag that can be given several times, and holds several values parted by commas. What stands on the command
// line replaces what the environment had; an empty value clears it.
type list struct {
	values []string
	preset bool // by the environment, or the configuration file
}

func (l *list) String() string { return strings.Join(l.values, ",") }

// Set implements flag.Value.
func (l *list) Set(s string) error {
	if l.preset {
		l.values, l.preset = nil, false
	}
	if s == "" {
		l.values = nil
		return nil
	}
	for value := range strings.SplitSeq(s, ",") {
		if value = strings.TrimSpace(value); value == "" {
			return errors.New("an empty name")
		}
		l.values = append(l.values, value)
	}
	return nil
}

// tlsFlags are the flags of TLS.
type tlsFlags struct {
	certFiles, keyFiles, domains                        list
	clientCA, minVersion, cacheDir, email, directoryURL string
	compact                                             bool
}

func addTLS(flags *flag.FlagSet) *tlsFlags {
	f := &tlsFlags{}
	flags.Var(&f.certFiles, "tls-cert", "speak TLS, with the certificate in `file` (PEM, intermediate ones behind it); several: comma or again, chosen by the name a client asks for, the first for all others; reloaded on SIGHUP, and when it changes")
	flags.Var(&f.keyFiles, "tls-key", "`file` with the key of --tls-cert (PEM); as many, in the same order")
	flags.StringVar(&f.clientCA, "tls-client-ca", "", "let in only clients with a certificate signed by one of those in `file` (PEM)")
	flags.StringVar(&f.minVersion, "tls-min-version", "", "least `version` of TLS, 1.2 or 1.3 (default 1.2)")
	flags.BoolVar(&f.compact, "tls-compact", false,
		"have TLS 1.3 connections at rest take about 3 KB less, by a record layer of our own: security code that is young")
	flags.Var(&f.domains, "acme-domain", "speak TLS, with a certificate for `name`, which an ACME server gives that reaches this server under it at port 443; several: comma or again, the first for all others")
	flags.StringVar(&f.cacheDir, "acme-cache", "", "`directory` that keeps what --acme-domain obtains, keys included")
	flags.StringVar(&f.email, "acme-email", "", "`address` that the ACME server may write to")
	flags.StringVar(&f.directoryURL, "acme-directory", "", "`URL` of the ACME server's directory (default: Let's Encrypt); its terms are agreed to")
	return f
}

func (f *tlsFlags) on() bool {
	return len(f.certFiles.values)+len(f.keyFiles.values)+len(f.domains.values) > 0
}

// config checks the flags, and reports all that is wrong with them together. Without TLS it returns nil.
func (f *tlsFlags) config(logger *slog.Logger) (*certs.Config, error) {
	cfg := &certs.Config{
		ClientCA: f.clientCA, Logger: logger,
		ACME: certs.ACME{Domains: f.domains.values, CacheDir: f.cacheDir, Email: f.email, DirectoryURL: f.directoryURL},
	}
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch f.minVersion {
	case "", "1.2":
		cfg.MinVersion = tls.VersionTLS12
	case "1.3":
		cfg.MinVersion = tls.VersionTLS13
	default:
		wrong("--tls-min-version %q: want 1.2 or 1.3", f.minVersion)
	}
	f.orphans(wrong)
	if nc, nk := len(f.certFiles.values), len(f.keyFiles.values); nc != nk {
		wrong("--tls-cert names %d files and --tls-key %d: each certificate needs its key", nc, nk)
	} else {
		for i, file := range f.certFiles.values {
			cfg.Pairs = append(cfg.Pairs, certs.Pair{CertFile: file, KeyFile: f.keyFiles.values[i]})
		}
	}
	if len(cfg.Pairs)+len(cfg.ACME.Domains) > 0 {
		if err := cfg.Check(); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 || !f.on() {
		return nil, errors.Join(problems...)
	}
	return cfg, nil
}

// orphans reports the flags that mean nothing without others.
func (f *tlsFlags) orphans(wrong func(format string, args ...any)) {
	for _, o := range []struct {
		name  string
		given bool
	}{{"tls-client-ca", f.clientCA != ""}, {"tls-min-version", f.minVersion != ""}, {"tls-compact", f.compact}} {
		if o.given && !f.on() {
			wrong("--%s needs TLS: give --tls-cert and --tls-key, or --acme-domain", o.name)
		}
	}
	for _, o := range []struct{ name, value string }{
		{"acme-cache", f.cacheDir}, {"acme-email", f.email}, {"acme-directory", f.directoryURL},
	} {
		if o.value != "" && len(f.domains.values) == 0 {
			wrong("--%s needs --acme-domain", o.name)
		}
	}
}

// security is a server's TLS; nil: none. Its methods work without.
type security struct {
	certs   *certs.Certs
	compact bool

	stop       context.CancelFunc
	background sync.WaitGroup
}

// open loads the certificates.
func (f *tlsFlags) open(cfg *certs.Config) (*security, error) {
	if cfg == nil {
		return nil, nil
	}
	c, err := certs.Open(*cfg)
	if err != nil {
		return nil, err
	}
	return &security{certs: c, compact: f.compact}, nil
}

func (s *security) options() *reactor.TLSOptions {
	if s == nil {
		return nil
	}
	return &reactor.TLSOptions{Config: s.certs.TLS(), Compact: s.compact}
}

// certificates are those of the metrics; nil without TLS.
func (s *security) certificates() func() []metrics.Certificate {
	if s == nil {
		return nil
	}
	return func() (all []metrics.Certificate) {
		for _, e := range s.certs.Expiries() {
			all = append(all, metrics.Certificate(e))
		}
		return all
	}
}

// scheme is a URL's: http or https, ws or wss.
func (s *security) scheme(plain string) string {
	if s == nil {
		return plain
	}
	return plain + "s"
}

// rekey has sessions resumed by other keys.
func (s *security) rekey(keys [][32]byte) {
	if s != nil {
		s.certs.SetSessionKeys(keys)
	}
}

// run starts what is done in the background, once the server listens.
func (s *security) run() {
	if s == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.background.Go(func() { s.certs.Run(ctx) })
}

// end ends it.
func (s *security) end() {
	if s != nil && s.stop != nil {
		s.stop()
		s.background.Wait()
	}
}

// reload is the answer to SIGHUP.
func (s *security) reload(logger *slog.Logger) {
	if s == nil {
		logger.Info("SIGHUP: nothing to reload, TLS is off")
		return
	}
	switch files, err := s.certs.Reload(); {
	case err != nil:
		logger.Error("SIGHUP: certificates not reloaded, the old ones stay", "error", err)
	case files == 0:
		logger.Info("SIGHUP: nothing to reload, certificates come by ACME")
	default:
		logger.Info("SIGHUP: certificates reloaded", "files", files)
	}
}
