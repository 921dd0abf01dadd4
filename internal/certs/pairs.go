package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
)

// pairs are loaded certificates. Immutable.
type pairs struct {
	all    []*tls.Certificate            // in the order of the configuration
	byName map[string][]*tls.Certificate // lower case; "*.example.org" as ".example.org"
}

// loadPairs reads the files. It reports all problems together.
func loadPairs(files []Pair) (*pairs, error) {
	p := &pairs{byName: make(map[string][]*tls.Certificate)}
	var problems []error
	for _, f := range files {
		cert, err := f.load()
		if err != nil {
			problems = append(problems, err)
			continue
		}
		p.add(cert)
	}
	return p, errors.Join(problems...)
}

// load reads one pair, and checks that the two belong together.
func (p Pair) load() (*tls.Certificate, error) {
	certPEM, certErr := os.ReadFile(p.CertFile)
	keyPEM, keyErr := os.ReadFile(p.KeyFile)
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", p.CertFile, p.KeyFile, err)
	}
	return &cert, nil
}

func (p *pairs) add(cert *tls.Certificate) {
	p.all = append(p.all, cert)
	for _, name := range cert.Leaf.DNSNames {
		name = strings.TrimPrefix(strings.ToLower(name), "*")
		p.byName[name] = append(p.byName[name], cert)
	}
}

// find chooses by the name that the client asks for: that name, a wildcard for its last labels (RFC 6125, section 6.4.3:
// "*" is one whole label), or the first certificate.
func (p *pairs) find(hello *tls.ClientHelloInfo) *tls.Certificate {
	name := strings.ToLower(hello.ServerName)
	candidates := p.byName[name]
	if dot := strings.IndexByte(name, '.'); len(candidates) == 0 && dot > 0 {
		candidates = p.byName[name[dot:]]
	}
	switch len(candidates) {
	case 0:
		return p.all[0]
	case 1:
		return candidates[0]
	}
	for _, c := range candidates {
		if hello.SupportsCertificate(c) == nil {
			return c
		}
	}
	return candidates[0]
}
