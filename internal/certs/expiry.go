package certs

import (
	"crypto/tls"
	"time"
)

// Expiry is when a certificate ends.
type Expiry struct {
	// Name is the first that the certificate is for.
	Name string
	// NotAfter is its end.
	NotAfter time.Time
}

// Expiries are those of the certificates that are served now, in the order of the configuration; with ACME, of those there are.
// Safe from any goroutine.
func (c *Certs) Expiries() (all []Expiry) {
	add := func(cert *tls.Certificate) {
		e := Expiry{Name: cert.Leaf.Subject.CommonName, NotAfter: cert.Leaf.NotAfter}
		if len(cert.Leaf.DNSNames) > 0 {
			e.Name = cert.Leaf.DNSNames[0]
		}
		all = append(all, e)
	}
	if s := c.current.Load(); s.pairs != nil {
		for _, cert := range s.pairs.all {
			add(cert)
		}
	}
	if c.acme != nil {
		for _, d := range c.acme.domains {
			if cert := d.cert.Load(); cert != nil {
				add(cert)
			}
		}
	}
	return all
}
