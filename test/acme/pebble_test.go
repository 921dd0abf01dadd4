package acme

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// pebble is an ACME server.
type pebble struct {
	*httptest.Server
	t     *testing.T
	roots *x509.CertPool // of the certificates it issues; set by validateAt
	front chan http.Handler
	asked atomic.Int64 // requests
}

// newPebble starts an ACME server. It answers as soon as it knows where to validate names.
func newPebble(t *testing.T) *pebble {
	t.Helper()
	p := &pebble{t: t, roots: x509.NewCertPool(), front: make(chan http.Handler, 1)}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		select {
		case front := <-p.front:
			p.front <- front
			front.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pebble) directory() string { return p.URL + wfe.DirectoryPath }

// validateAt has names validated at the address's port, and certificates issued that are valid for so many seconds.
func (p *pebble) validateAt(addr string, validity uint64) {
	p.t.Helper()
	_, digits, err := net.SplitHostPort(addr)
	if err != nil {
		p.t.Fatal(err)
	}
	port, err := strconv.Atoi(digits)
	if err != nil {
		p.t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "for tests", ValidityPeriod: validity}})
	validation := va.New(quiet, 0, port, false, startDNS(p.t), store)
	const retryAfter = 1 // seconds
	front := wfe.New(quiet, store, validation, authority, []string{"pebble.example"}, false, false, retryAfter, retryAfter)
	p.roots.AddCert(authority.GetRootCert(0).Cert)
	p.front <- front.Handler()
}

// certPEM is the certificate of the ACME server itself.
func (p *pebble) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
}

// trusting is a client configuration that believes Pebble's certificates, and nothing else.
func (p *pebble) trusting(name string) *tls.Config {
	return &tls.Config{ServerName: name, RootCAs: p.roots}
}

// startDNS starts a resolver for which every name is this machine. It returns its address.
func startDNS(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // as Pebble asks
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		if len(q.Question) == 1 && q.Question[0].Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1),
			}}
		}
		_ = w.WriteMsg(answer)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ActivateAndServe() })
	t.Cleanup(func() {
		_ = server.Shutdown()
		serving.Wait()
	})
	return listener.Addr().String()
}
