package loadtest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/tlstest"
)

var testAuthority = tlstest.NewAuthority()

// startTLS starts the server with a certificate for 127.0.0.1, and with what change asks for.
func (s *pushServer) startTLS(t *testing.T, change func(*tls.Config)) {
	t.Helper()
	s.secure = &tls.Config{Certificates: []tls.Certificate{testAuthority.Issue("127.0.0.1")}}
	if change != nil {
		change(s.secure)
	}
	s.start(t)
}

// layers are the ways of a connection's records.
var layers = []struct {
	name string
	tls  TLS
	want string // version
	slim bool
}{
	{"compact", TLS{}, "TLS 1.3", true},
	{"standard", TLS{Standard: true}, "TLS 1.3", false},
	{"1.2", TLS{Version: "1.2"}, "TLS 1.2", true},
}

func TestFanoutOverTLS(t *testing.T) {
	for _, layer := range layers {
		for _, path := range []string{"/ws", "/ws/raw"} {
			t.Run(layer.name+path, func(t *testing.T) {
				t.Parallel()
				s := &pushServer{ping: true}
				s.startTLS(t, nil)
				cfg := shortFanout(s.url(path))
				cfg.TLS = layer.tls
				cfg.TLS.CA = testAuthority.PEM()
				r := mustRun(t, cfg)
				wantSound(t, r)
				if r.TLS == nil || r.TLS.Agreed.Versions[layer.want] != 5 || r.TLS.Compact != layer.slim || !r.TLS.Verified || r.TLS.Agreed.Resumed != 0 ||
					r.Connections.TLS.Count != 5 || sum(r.TLS.Agreed.CipherSuites) != 5 {
					t.Errorf("%+v, %+v", r.TLS, r.Connections.TLS)
				}
			})
		}
	}
}

// wantSound is for runs in which nothing may go wrong.
func wantSound(t *testing.T, r *Report) {
	t.Helper()
	if !r.Verdict.OK || r.Errors.Total != 0 || r.Ledger.Received != r.Ledger.Expected || r.Ledger.Received == 0 {
		t.Fatalf("%v, %+v, %+v", r.Verdict, r.Errors, r.Ledger)
	}
}

// TestEchoOverTLS has messages of many records, which the server's socket does not take at once.
func TestEchoOverTLS(t *testing.T) {
	for _, layer := range layers {
		for _, payload := range []int{MinPayload, 300_000} {
			t.Run(layer.name, func(t *testing.T) {
				t.Parallel()
				s := &pushServer{}
				s.startTLS(t, nil)
				cfg := shortEcho(s.url("/echo"), 100)
				cfg.TLS = layer.tls
				cfg.TLS.CA, cfg.Payload, cfg.Drain = testAuthority.PEM(), payload, 20*time.Second
				wantSound(t, mustRun(t, cfg))
			})
		}
	}
}

func TestIdleAndStalledOverTLS(t *testing.T) {
	for _, stalled := range []bool{false, true} {
		s := &pushServer{}
		s.startTLS(t, nil)
		r := mustRun(t, Config{
			Scenario: Idle, URL: s.url("/ws"), Conns: 5, Duration: 20 * time.Millisecond, TLS: TLS{CA: testAuthority.PEM()}, Stalled: stalled,
		})
		s.mu.Lock()
		if !r.Verdict.OK || r.Connections.Established != 5 || len(s.subscribers) != 5 || !stalled && s.closes != 5 {
			t.Errorf("%v, %+v, %d subscribed, %d closed", r.Verdict, r.Errors, len(s.subscribers), s.closes)
		}
		s.mu.Unlock()
	}
}

func TestTLSOverSeveralProcesses(t *testing.T) {
	t.Setenv(workerVariable, "1")
	s := &pushServer{}
	s.startTLS(t, nil)
	cfg := shortFanout(s.url("/ws"))
	cfg.Processes, cfg.WorkerCommand, cfg.Deflate = 2, []string{os.Args[0]}, DeflateEach
	cfg.TLS = TLS{CA: testAuthority.PEM(), ServerName: "localhost"}
	r := mustRun(t, cfg)
	wantSound(t, r)
	if r.TLS.Agreed.Versions["TLS 1.3"] != 5 || r.Connections.TLS.Count != 5 || r.Deflate.Counts.Accepted != 0 {
		t.Errorf("%+v, %+v", r.TLS, r.Deflate)
	}
}

// TestSessionsAreResumed connects one after the other, so that there is a ticket for all but the first.
func TestSessionsAreResumed(t *testing.T) {
	for _, version := range []string{"1.2", "1.3"} {
		for _, resume := range []bool{false, true} {
			t.Run(fmt.Sprint(version, " ", resume), func(t *testing.T) {
				t.Parallel()
				s := &pushServer{}
				s.startTLS(t, nil)
				cfg := shortFanout(s.url("/ws"))
				cfg.Threads, cfg.MaxInFlight = 1, 1
				cfg.TLS = TLS{CA: testAuthority.PEM(), Version: version, Resume: resume}
				r := mustRun(t, cfg)
				wantSound(t, r)
				if want := map[bool]uint64{false: 0, true: 4}[resume]; r.TLS.Agreed.Resumed != want || r.TLS.Resume != resume {
					t.Errorf("%+v", r.TLS)
				}
			})
		}
	}
}

func TestClientCertificate(t *testing.T) {
	s := &pushServer{}
	s.startTLS(t, func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, testAuthority.Pool() })
	cfg := shortFanout(s.url("/ws"))
	cfg.TLS.CA = testAuthority.PEM()
	cfg.TLS.Cert, cfg.TLS.Key = tlstest.PEM(testAuthority.Issue("load"))
	wantSound(t, mustRun(t, cfg))
}

// oneIdle makes one connection, waits until that has failed or ended, and returns the errors as JSON.
func oneIdle(t *testing.T, url string, options TLS) (*Report, string) {
	t.Helper()
	return oneIdleWithin(t, 20*time.Second, url, options)
}

// oneIdleWithin is oneIdle with a limit for the setup.
func oneIdleWithin(t *testing.T, timeout time.Duration, url string, options TLS) (*Report, string) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	r, err := Run(ctx, Config{
		Scenario: Idle, URL: url, Conns: 1, Threads: 1, Duration: patience, SetupTimeout: timeout, TLS: options,
		Observe: func(s Status) {
			if s.Failed+s.Ended > 0 {
				end()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkSchema(t, r)
	text, err := json.Marshal(r.Errors)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(text)
}

func TestTLSFailuresAreToldApart(t *testing.T) {
	expired := testAuthority.IssueFor(time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour), "127.0.0.1")
	cases := []struct {
		name   string
		server func(*tls.Config)
		client TLS
		want   string
	}{
		{"an authority of the system's", nil, TLS{}, "unknown_authority"},
		{"another authority", nil, TLS{CA: tlstest.NewAuthority().PEM()}, "unknown_authority"},
		{"expired", func(c *tls.Config) { c.Certificates = []tls.Certificate{expired} }, TLS{CA: testAuthority.PEM()}, "expired"},
		{"another name", nil, TLS{CA: testAuthority.PEM(), ServerName: "example.com"}, "wrong_name"},
		{"no common version, says the server", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, TLS{CA: testAuthority.PEM(), Version: "1.3"}, "version"},
		{"no common version, the other way", func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, TLS{CA: testAuthority.PEM(), Version: "1.2"}, "version"},
		{"no certificate for the server, TLS 1.2", func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}, TLS{CA: testAuthority.PEM()}, "alert_"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &pushServer{}
			s.startTLS(t, c.server)
			r, text := oneIdle(t, s.url("/ws"), c.client)
			if r.Errors.TLS != 1 || r.Errors.Total != 1 || !strings.Contains(text, `"tls_causes":{"`+c.want) {
				t.Errorf("%s, %v", text, r.Connections.Failures)
			}
		})
	}
}

func TestInsecureTakesAnything(t *testing.T) {
	s := &pushServer{}
	s.startTLS(t, nil)
	cfg := shortFanout(s.url("/ws"))
	cfg.TLS.Insecure = true
	r := mustRun(t, cfg)
	wantSound(t, r)
	if r.TLS.Verified {
		t.Error("it says that the certificate was verified")
	}
}

func TestPlainServerUnderTLS(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	r, text := oneIdle(t, strings.Replace(s.url("/ws"), "ws:", "wss:", 1), TLS{})
	// The server of HTTP takes a ClientHello for a bad request, and hangs up without a word.
	if !strings.Contains(text, `"tls_causes":{"closed":1}`) && r.Errors.Reset != 1 {
		t.Error(text)
	}
}

func TestPublishersTellTLSFailures(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	secure := &pushServer{}
	secure.startTLS(t, nil)
	cfg := shortFanout(s.url("/ws"))
	cfg.PublishURL = strings.Replace(secure.url("/api/publish"), "wss:", "https:", 1)
	cfg.TLS.ServerName = "localhost" // as it has to be given, lest it be an error that it is not used
	r := mustRun(t, cfg)
	if p := r.Publications; p.Failed != p.Scheduled || p.Errors.TLSCauses["unknown_authority"] != p.Failed {
		t.Errorf("%+v", p)
	}
}
