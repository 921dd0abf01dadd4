package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
)

// Certs are a server's certificates. See [Open].
type Certs struct {
	// Immutable after Open.
	config    Config
	log       *slog.Logger
	files     []string    // that are watched
	acme      *issuer     // or nil
	challenge *tls.Config // for ACME servers that validate; nil without ACME

	sessions *tls.Config // seals session tickets, and nothing else; nil: crypto/tls does with keys of its own

	current atomic.Pointer[set]

	mu     sync.Mutex
	stamps []stamp // guarded by mu: of the files, when they were read last
}

// set is what a reload replaces. Immutable.
type set struct {
	pairs   *pairs       // or nil
	clients *authorities // or nil
	config  *tls.Config  // for handshakes that are to prove who they are; nil: the base config will do
}

// Open reads the files. The error names all that is wrong with them. Nothing runs in the background before [Certs.Run].
func Open(cfg Config) (*Certs, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Certs{config: cfg, log: cfg.Logger}
	if len(cfg.SessionKeys) > 0 {
		c.sessions = &tls.Config{}
		c.sessions.SetSessionTicketKeys(cfg.SessionKeys)
	}
	for _, p := range cfg.Pairs {
		c.files = append(c.files, p.CertFile, p.KeyFile)
	}
	if cfg.ClientCA != "" {
		c.files = append(c.files, cfg.ClientCA)
	}
	if _, err := c.Reload(); err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	if len(cfg.ACME.Domains) > 0 {
		c.acme = newIssuer(cfg.ACME, cfg.Logger)
		c.challenge = c.base()
		c.challenge.MinVersion = tls.VersionTLS12
		c.challenge.NextProtos = []string{acme.ALPNProto}
		c.challenge.GetCertificate = c.acme.challenge
		c.challenge.SessionTicketsDisabled = true
	}
	return c, nil
}

// base is what all handshakes have in common.
func (c *Certs) base() *tls.Config {
	base := &tls.Config{
		MinVersion: c.config.MinVersion, NextProtos: []string{"http/1.1"}, GetCertificate: c.certificate,
		DynamicRecordSizingDisabled: true, // a record is encrypted in one go anyway, and sent with others
	}
	if c.sessions != nil { // which clones have in common, too
		base.WrapSession, base.UnwrapSession = c.sessions.EncryptTicket, c.sessions.DecryptTicket
	}
	return base
}

// SetSessionKeys replaces Config.SessionKeys, of which there must have been some: new session tickets are sealed with the first, and those of all
// are taken. Safe from any goroutine.
func (c *Certs) SetSessionKeys(keys [][32]byte) {
	if c.sessions != nil && len(keys) > 0 {
		c.sessions.SetSessionTicketKeys(keys)
	}
}

// TLS is the configuration to serve with. It serves what is current, so it is made once: the keys of session tickets, which
// are its own, outlive reloads. With ACME, its GetConfigForClient lets validating servers negotiate acme-tls/1; such a
// connection must be closed after its handshake.
func (c *Certs) TLS() *tls.Config {
	base := c.base()
	if c.acme != nil || c.config.ClientCA != "" {
		base.GetConfigForClient = c.configFor
	}
	return base
}

// configFor is GetConfigForClient. acme-tls/1 is offered only to those who ask for nothing else, as RFC 8737, section 3
// has it: they prove nothing about themselves, and reach nothing but the challenge.
func (c *Certs) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if c.challenge != nil && len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		return c.challenge, nil
	}
	return c.current.Load().config, nil
}

// certificate is GetCertificate.
func (c *Certs) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.acme != nil {
		return c.acme.certificate(hello)
	}
	return c.current.Load().pairs.find(hello), nil
}

// Reload reads all files again, and returns how many there are. New handshakes get what they hold; established connections
// stay as they are. If anything is wrong, the error says what, and nothing changes.
func (c *Certs) Reload() (files int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamps = stampsOf(c.files) // before they are read: what changes meanwhile is seen next time
	next, err := c.load()
	if err != nil {
		return len(c.files), err
	}
	c.report(c.current.Swap(next), next)
	return len(c.files), nil
}

func (c *Certs) load() (*set, error) {
	s := &set{}
	var pairsErr, clientsErr error
	if len(c.config.Pairs) > 0 {
		s.pairs, pairsErr = loadPairs(c.config.Pairs)
	}
	if c.config.ClientCA != "" {
		s.clients, clientsErr = loadAuthorities(c.config.ClientCA)
	}
	if err := errors.Join(pairsErr, clientsErr); err != nil {
		return nil, err
	}
	if s.clients != nil {
		s.config = c.base()
		s.config.ClientAuth, s.config.ClientCAs = tls.RequireAndVerifyClientCert, s.clients.pool
	}
	return s, nil
}

// report logs the certificates that are new, and those that are not valid for long.
func (c *Certs) report(old, next *set) {
	if next.pairs != nil {
		for i, cert := range next.pairs.all {
			if old == nil || !old.pairs.all[i].Leaf.Equal(cert.Leaf) {
				c.log.Info("certificate loaded", "file", c.config.Pairs[i].CertFile, "names", cert.Leaf.DNSNames,
					"serial", cert.Leaf.SerialNumber.Text(16), "not_after", cert.Leaf.NotAfter)
			}
		}
	}
	c.warn(next, time.Now())
}

// warn logs the certificates that have expired, or will soon, or are not valid yet. They are served all the same: it is for
// the client to judge, and a wrong clock should not take a server down.
func (c *Certs) warn(s *set, now time.Time) {
	about := func(cert *x509.Certificate, args ...any) {
		switch {
		case now.After(cert.NotAfter):
			c.log.Warn("certificate has expired", append(args, "not_after", cert.NotAfter)...)
		case now.Before(cert.NotBefore):
			c.log.Warn("certificate is not valid yet", append(args, "not_before", cert.NotBefore)...)
		case cert.NotAfter.Sub(now) < lastDays(cert):
			c.log.Warn("certificate expires soon", append(args, "not_after", cert.NotAfter)...)
		}
	}
	if s.pairs != nil {
		for i, cert := range s.pairs.all {
			about(cert.Leaf, "file", c.config.Pairs[i].CertFile)
		}
	}
	if s.clients != nil {
		for _, cert := range s.clients.certs {
			about(cert, "file", c.config.ClientCA, "authority", cert.Subject.String())
		}
	}
	if c.acme != nil {
		for _, d := range c.acme.domains {
			if cert := d.cert.Load(); cert != nil {
				about(cert.Leaf, "domain", d.name)
			}
		}
	}
}

// lastDays is when renewal should be long done: a week, less for certificates that live shorter. ACME ones are renewed when
// a third of their life is left.
func lastDays(cert *x509.Certificate) time.Duration {
	return min(7*24*time.Hour, cert.NotAfter.Sub(cert.NotBefore)/6)
}

// Run does what is to be done in the background until ctx is done: it reloads files that have changed, obtains and renews
// certificates by ACME, and warns of what expires. Call it once the server listens, as ACME servers connect to it.
func (c *Certs) Run(ctx context.Context) {
	var background sync.WaitGroup
	defer background.Wait()
	if c.acme != nil {
		c.acme.start(ctx, &background)
	}
	c.watch(ctx)
}
