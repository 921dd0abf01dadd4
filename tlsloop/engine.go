package tlsloop

import (
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"sync/atomic"
)

// Config says how connections are served.
type Config struct {
	// TLS is required. It is cloned; its callbacks work as crypto/tls documents them. NextProtos defaults to http/1.1,
	// MinVersion is at least TLS 1.2, records are not sized dynamically. Callbacks should not wait: see Permits. A callback's
	// ClientHelloInfo.Conn tells addresses (see Session.SetAddrs), and can't be used otherwise.
	TLS *tls.Config
	// Compact lets TLS 1.3 connections go on with this module's own record layer: about 0.4 kB instead of 3.3 kB each at rest.
	// It is security code that has not yet been reviewed by outsiders. It stays off where crypto/tls isn't built as
	// this package knows it, and in FIPS 140-3 mode; Engine.Compact tells.
	Compact bool
	// MaxHandshakes bounds the handshakes in flight, each about 16 kB and a goroutine; default 1,024. One more fails with ErrBusy
	// at once.
	MaxHandshakes int
	// Permits bounds the handshakes that compute at a time; default 1. Keep it below GOMAXPROCS minus the number of loops: a
	// loop that has to wait for a free P delays all its connections.
	Permits int
}

// Engine is what all loops share. Its methods are safe from any goroutine.
type Engine struct {
	// Immutable after New.
	config        *tls.Config // handed to tls.Server
	inner         *tls.Config // what config answers in GetConfigForClient, when it does; or config itself
	compact       bool
	release       bool // take buffers away from idle tls.Conns
	maxHandshakes int64

	permits  permits
	counters counters
	early    atomic.Int64 // bytes that handshakes hold beyond what belongs to them
}

const (
	defaultMaxHandshakes = 1024
	defaultPermits       = 1
)

// New checks the configuration and makes an engine.
func New(cfg Config) (*Engine, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	e := &Engine{
		compact:       cfg.Compact && knownLayout && !fips140.Enabled(),
		release:       knownLayout,
		maxHandshakes: int64(orDefault(cfg.MaxHandshakes, defaultMaxHandshakes)),
		permits:       make(permits, orDefault(cfg.Permits, defaultPermits)),
	}
	e.inner = cfg.TLS.Clone()
	if len(e.inner.NextProtos) == 0 {
		e.inner.NextProtos = []string{"http/1.1"}
	}
	e.inner.MinVersion = max(e.inner.MinVersion, tls.VersionTLS12)
	e.inner.DynamicRecordSizingDisabled = true
	e.config = e.inner.Clone()
	e.config.GetConfigForClient = e.configFor
	return e, nil
}

func (cfg *Config) check() error {
	var problems []error
	switch c := cfg.TLS; {
	case c == nil:
		problems = append(problems, errors.New("tlsloop: Config.TLS is missing"))
	case len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil:
		problems = append(problems, errors.New("tlsloop: Config.TLS has no certificate"))
	case c.MaxVersion != 0 && c.MaxVersion < max(c.MinVersion, tls.VersionTLS12):
		problems = append(problems, errors.New("tlsloop: Config.TLS.MaxVersion leaves no version from TLS 1.2 on"))
	}
	if cfg.MaxHandshakes < 0 {
		problems = append(problems, errors.New("tlsloop: Config.MaxHandshakes is negative"))
	}
	if cfg.Permits < 0 {
		problems = append(problems, errors.New("tlsloop: Config.Permits is negative"))
	}
	return errors.Join(problems...)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// Compact says whether connections of TLS 1.3 go on with the compact record layer.
func (e *Engine) Compact() bool { return e.compact }

// SetSessionTicketKeys does what it does for a tls.Config: call it on all nodes of a cluster with the same keys, and rotate
// them. Without it the keys are the engine's own, and rotate daily.
func (e *Engine) SetSessionTicketKeys(keys [][32]byte) {
	e.inner.SetSessionTicketKeys(keys)
	e.config.SetSessionTicketKeys(keys)
}

// configFor is GetConfigForClient: it asks the caller's, learns what the handshake needs to know of the configuration, and
// for the compact record layer has the secrets of this one connection told.
func (e *Engine) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c := e.inner
	if c.GetConfigForClient != nil {
		if own, err := c.GetConfigForClient(hello); err != nil {
			return nil, err
		} else if own != nil {
			c = own
		}
	}
	h := hello.Conn.(*pipe).hs
	h.clientAuth = c.ClientAuth != tls.NoClientCert
	if !e.compact || !negotiates13(c, hello) {
		if c == e.inner {
			return nil, nil
		}
		return c, nil // it is kept as long as the tls.Conn is: so no clone
	}
	c = c.Clone()
	c.KeyLogWriter = &secretLog{hs: h, next: c.KeyLogWriter}
	return c, nil
}

func negotiates13(c *tls.Config, hello *tls.ClientHelloInfo) bool {
	if c.MaxVersion != 0 && c.MaxVersion < tls.VersionTLS13 {
		return false
	}
	for _, v := range hello.SupportedVersions {
		if v == tls.VersionTLS13 {
			return true
		}
	}
	return false
}
