package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/config"
	"github.com/wsedge/wsedge/reactor"
)

// localServer is what a configuration file tells about the server on this machine that runs by it.
type localServer struct {
	address string
	problem error        // with the address
	tls     *tls.Config  // nil: it speaks none
	auth    *auth.Config // nil: in development mode

	authenticates, anonymous bool // clients need a token, or may have one
}

// readLocalServer reads a configuration as serve would: the environment counts, too.
func readLocalServer(e *environment, file string) (*localServer, error) {
	document, err := readDocument(file)
	if err != nil {
		return nil, invalid(err)
	}
	s, problems, err := configured(e, nil, file, document)
	if err != nil {
		return nil, errors.New("the environment does not fit " + file)
	}
	if len(problems) > 0 {
		return nil, invalid(config.Join(problems))
	}
	if s.problem != nil {
		return nil, s.problem
	}
	local := &localServer{auth: s.cfg.Auth}
	if s.cfg.Auth != nil {
		local.authenticates, local.anonymous = true, s.cfg.Auth.Anonymous
	}
	if s.secure.on() {
		if local.tls, err = s.secure.trusting(); err != nil {
			return nil, err
		}
	}
	local.address, local.problem = reachable(s.cfg.Addr, s.secure.on())
	return local, nil
}

// usableKey is the first API key, of those whose secret is there, that opens what is asked for, one for all channels before others. Where there is none
// it is the first at all: the server then says what is not allowed.
func usableKey(section *auth.Config, scope auth.Scope) string {
	if section == nil {
		return ""
	}
	first, narrow := "", ""
	for _, k := range section.APIKeys {
		opens := slices.Contains(k.Scopes, scope) || slices.Contains(k.Scopes, auth.ScopeAll)
		switch {
		case k.Secret == "":
		case opens && len(k.Channels) == 0:
			return k.Secret
		case opens:
			narrow = cmp.Or(narrow, k.Secret)
		}
		first = cmp.Or(first, k.Secret)
	}
	return cmp.Or(narrow, first)
}

// reachable is the URL by which a process on this machine reaches what listens on addr.
func reachable(addr string, secure bool) (string, error) {
	if reactor.IsUnix(addr) {
		if secure {
			return "", errors.New("TLS on a Unix socket can't be named: give --server")
		}
		return addr, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return "", fmt.Errorf("the configuration listens on %q, which names no port: give --server", addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port), nil
}

// trusting is how to speak to a server with these certificates: under the first one's name, and with trust in it, whoever has signed it.
func (f *tlsFlags) trusting() (*tls.Config, error) {
	if len(f.domains.values) > 0 {
		return &tls.Config{ServerName: f.domains.values[0]}, nil
	}
	checked, err := f.config(slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(checked.Pairs[0].CertFile, checked.Pairs[0].KeyFile)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AddCert(pair.Leaf)
	name := "127.0.0.1"
	if len(pair.Leaf.DNSNames) > 0 {
		name = strings.Replace(pair.Leaf.DNSNames[0], "*", "any", 1)
	} else if len(pair.Leaf.IPAddresses) > 0 {
		name = pair.Leaf.IPAddresses[0].String()
	}
	return &tls.Config{RootCAs: pool, ServerName: name}, nil
}

// certificatesIn reads a file of certificates.
func certificatesIn(name string) (*x509.CertPool, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", name)
	}
	return pool, nil
}
