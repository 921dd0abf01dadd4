package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const (
	// firstRetry is after how long a certificate that could not be obtained is asked for again; the time doubles up to
	// lastRetry. That makes five failures in the first hour, as many as Let's Encrypt allows, and one an hour from then on. It
	// may not be less than a minute: for that long autocert remembers its failure.
	firstRetry = 2 * time.Minute
	lastRetry  = time.Hour
)

// issuer obtains certificates and renews them.
type issuer struct {
	manager   *autocert.Manager
	cache     autocert.Cache
	transport *transport
	log       *slog.Logger
	domains   []*domain          // in the order of the configuration
	byName    map[string]*domain // lower case
}

// domain is a name with its certificate, nil as long as there is none.
type domain struct {
	name string
	cert atomic.Pointer[tls.Certificate]
}

// newIssuer makes one that has what the cache has. It asks nobody.
func newIssuer(cfg ACME, log *slog.Logger) *issuer {
	client := *cfg.Client
	is := &issuer{
		cache: certCache{autocert.DirCache(cfg.CacheDir)}, transport: &transport{next: cfg.Client.Transport, log: log},
		log: log, byName: make(map[string]*domain),
	}
	client.Transport = is.transport
	for _, name := range cfg.Domains {
		name = strings.ToLower(strings.Trim(name, "."))
		if is.byName[name] == nil {
			d := &domain{name: name}
			d.cert.Store(is.cached(name))
			is.domains, is.byName[name] = append(is.domains, d), d
		}
	}
	is.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: is.cache, HostPolicy: is.allow, Email: cfg.Email,
		Client: &acme.Client{DirectoryURL: cfg.DirectoryURL, HTTPClient: &client, UserAgent: "wsedge"},
	}
	return is
}

// allow is the manager's policy: a certificate is asked for in no name that is not configured, whoever asks.
func (is *issuer) allow(_ context.Context, host string) error {
	if is.byName[host] == nil {
		return fmt.Errorf("certs: %q is no configured domain", host)
	}
	return nil
}

// cached reads a certificate that is valid still; nil if there is none. It makes a restarted server complete before it
// listens. The manager reads the same file, but would go on to ask the ACME server.
func (is *issuer) cached(name string) *tls.Certificate {
	data, err := is.cache.Get(context.Background(), name)
	if err != nil {
		return nil
	}
	cert, err := tls.X509KeyPair(data, data)
	if err != nil || cert.Leaf.VerifyHostname(name) != nil || time.Now().After(cert.Leaf.NotAfter) {
		return nil
	}
	return &cert
}

// certificate is GetCertificate for clients.
func (is *issuer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	d := is.byName[strings.ToLower(hello.ServerName)]
	if d == nil {
		d = is.domains[0]
	}
	if cert := d.cert.Load(); cert != nil {
		return cert, nil
	}
	return nil, fmt.Errorf("certs: no certificate for %s yet", d.name)
}

// challenge is GetCertificate for ACME servers that validate. The manager answers from memory: its cache has no tokens.
func (is *issuer) challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if err := is.allow(context.Background(), hello.ServerName); err != nil {
		return nil, err
	}
	return is.manager.GetCertificate(hello)
}

// start has each domain looked after until ctx is done.
func (is *issuer) start(ctx context.Context, background *sync.WaitGroup) {
	is.transport.life.Store(&ctx)
	for _, d := range is.domains {
		background.Go(func() { is.keep(ctx, d) })
	}
}

// keep obtains a domain's certificate, and then looks whether the manager, which renews by itself, has a new one.
func (is *issuer) keep(ctx context.Context, d *domain) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		cert, err := is.obtain(ctx, d.name)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause := min(firstRetry<<failures, lastRetry)
			failures = min(failures+1, 16)
			is.log.Error("no certificate obtained", "domain", d.name, "error", err, "again_in", pause)
			wait.Reset(pause + rand.N(pause/16))
		default:
			failures = 0
			is.publish(d, cert)
			wait.Reset(lookInterval(cert))
		}
	}
}

// lookInterval is a minute; less for certificates of a few minutes.
func lookInterval(cert *tls.Certificate) time.Duration {
	life := cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore)
	return min(max(life/30, 100*time.Millisecond), time.Minute)
}

func (is *issuer) publish(d *domain, cert *tls.Certificate) {
	if old := d.cert.Load(); old == nil || !old.Leaf.Equal(cert.Leaf) {
		is.log.Info("certificate obtained", "domain", d.name,
			"serial", cert.Leaf.SerialNumber.Text(16), "not_after", cert.Leaf.NotAfter)
		d.cert.Store(cert)
	}
}

// obtain asks the manager, which asks its memory, the cache, and then the ACME server, for up to five minutes. It does not
// wait longer than ctx, after which the manager's requests fail.
func (is *issuer) obtain(ctx context.Context, name string) (*tls.Certificate, error) {
	type answer struct {
		cert *tls.Certificate
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		// The manager makes a certificate that the client supports: here, of ECDSA.
		cert, err := is.manager.GetCertificate(&tls.ClientHelloInfo{
			ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		})
		answered <- answer{cert, err}
	}()
	select {
	case a := <-answered:
		return a.cert, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
