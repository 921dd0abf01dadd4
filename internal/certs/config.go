package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/crypto/acme/autocert"
)

// Config says where certificates come from: Pairs or ACME, not both.
type Config struct {
	// Pairs are certificate files with their keys. Which one a client gets is decided by the name it asks for; the first is
	// for all other names, and for clients that ask for none. Of several with the same name, the first that the client
	// supports is taken: so ECDSA before RSA.
	Pairs []Pair
	// ACME obtains certificates, and renews them.
	ACME ACME
	// ClientCA is a file of PEM certificates: clients must prove that they have one which these have signed. "": they need
	// not. A change of the file counts for new connections only.
	ClientCA string
	// MinVersion is tls.VersionTLS12, the default, or tls.VersionTLS13.
	MinVersion uint16
	// SessionKeys are shared with other processes that resume each other's sessions, the one that new tickets are sealed with first; see
	// [Certs.SetSessionKeys]. Default: tickets are sealed with keys of crypto/tls's own, which rotate daily. Danger: who knows one can read what
	// TLS 1.2 sessions said that were sealed with it, and be the server for those that are resumed.
	SessionKeys [][32]byte
	// Logger gets what an operator must know. Default slog.Default().
	Logger *slog.Logger
}

// Pair is a certificate and its key, in PEM files. The certificate's file goes on with the intermediate ones.
type Pair struct {
	CertFile, KeyFile string
}

// ACME says whose certificates to obtain, and from whom. The server must be reachable under each name at port 443.
type ACME struct {
	// Domains are exact names, the default first. None: no ACME. No certificate is ever asked for in another name.
	Domains []string
	// CacheDir keeps the account's key, certificates and their keys. Required: who asks for all of it anew at each start
	// soon reaches the ACME server's limits.
	CacheDir string
	// Email is where the ACME server may write to. Optional.
	Email string
	// DirectoryURL is where the ACME server's directory is. Default: Let's Encrypt. Its terms of service are agreed to.
	DirectoryURL string
	// Client speaks to the ACME server. Default http.DefaultClient, which trusts the system's authorities.
	Client *http.Client
}

// Check reports all that is wrong with the configuration, files aside.
func (cfg *Config) Check() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch files, acme := len(cfg.Pairs) > 0, len(cfg.ACME.Domains) > 0; {
	case files && acme:
		wrong("certificates come from files or by ACME, not both")
	case !files && !acme:
		wrong("TLS needs a certificate: from files, or by ACME")
	}
	for _, p := range cfg.Pairs {
		if p.CertFile == "" || p.KeyFile == "" {
			wrong("certificate %q with key %q: a file name is empty", p.CertFile, p.KeyFile)
		}
	}
	switch cfg.MinVersion {
	case 0, tls.VersionTLS12, tls.VersionTLS13:
	default:
		wrong("least version of TLS: %s, want 1.2 or 1.3", tls.VersionName(cfg.MinVersion))
	}
	cfg.ACME.check(wrong)
	return errors.Join(problems...)
}

func (a *ACME) check(wrong func(format string, args ...any)) {
	for _, d := range a.Domains {
		if reason := unfit(d); reason != "" {
			wrong("ACME domain %q: %s", d, reason)
		}
	}
	if len(a.Domains) > 0 && a.CacheDir == "" {
		wrong("ACME needs a directory to keep certificates in: without it each start asks for new ones, and soon gets none")
	}
	if a.Email != "" && !strings.Contains(strings.Trim(a.Email, "@"), "@") {
		wrong("ACME e-mail address %q: want name@domain", a.Email)
	}
	if u, err := url.Parse(a.DirectoryURL); a.DirectoryURL != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		wrong("ACME directory %q: want https://…", a.DirectoryURL)
	}
}

// unfit says why no certificate can be obtained for a name; "": it can.
func unfit(domain string) string {
	if _, err := netip.ParseAddr(strings.Trim(domain, "[]")); err == nil {
		return "an address; want a name"
	}
	switch {
	case strings.HasPrefix(domain, "*."):
		return "a wildcard; they need a DNS challenge, which is not supported"
	case strings.ContainsAny(domain, ":/"):
		return "want a name alone, without scheme, port and path"
	case !strings.Contains(strings.Trim(domain, "."), "."):
		return "want a name of the public DNS"
	}
	for _, b := range []byte(domain) {
		if b >= 0x80 {
			return "want it in ASCII, as xn--…"
		}
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '.') {
			return fmt.Sprintf("no name has a %q", b)
		}
	}
	return ""
}

func (cfg Config) withDefaults() (Config, error) {
	if err := cfg.Check(); err != nil {
		return cfg, fmt.Errorf("certs: %w", err)
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if cfg.ACME.DirectoryURL == "" {
		cfg.ACME.DirectoryURL = autocert.DefaultACMEDirectory
	}
	if cfg.ACME.Client == nil {
		cfg.ACME.Client = http.DefaultClient
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg, nil
}
