package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// authorities are those that clients' certificates must come from. Immutable.
type authorities struct {
	pool  *x509.CertPool
	certs []*x509.Certificate
}

// loadAuthorities reads a file of PEM certificates. Unlike x509.CertPool it refuses one that it can't read: who believes an
// authority to be there should learn that it is not.
func loadAuthorities(file string) (*authorities, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	a := &authorities{pool: x509.NewCertPool()}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("client authorities %s: a PEM block is %q, want CERTIFICATE", file, block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("client authorities %s: certificate %d: %w", file, len(a.certs)+1, err)
		}
		a.pool.AddCert(cert)
		a.certs = append(a.certs, cert)
	}
	// pem.Decode passes over what it cannot read.
	if n := bytes.Count(data, []byte("-----BEGIN ")); len(a.certs) == 0 || n != len(a.certs) {
		return nil, fmt.Errorf("client authorities %s: %d certificates can be read of %d PEM blocks; want all, and at least one", file, len(a.certs), n)
	}
	return a, nil
}
