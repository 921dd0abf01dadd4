package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// serve runs the server under test until it is killed.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	mode := flags.String("mode", "std", "plain, std, compact, tls12 or goroutine")
	addr := flags.String("addr", "127.0.0.1:18443", "`address` to listen on")
	adminAddr := flags.String("admin", "127.0.0.1:18444", "`address` of figures and profiles")
	loops := flags.Int("loops", 0, "event loops; 0: GOMAXPROCS")
	permits := flags.Int("permits", 0, "handshakes that compute at a time; 0: the reactor's default")
	handshakes := flags.Int("max-handshakes", 0, "handshakes in flight; 0: the reactor's default")
	ping := flags.Duration("ping", 25*time.Second, "heartbeat")
	deadline := flags.Duration("handshake-timeout", 5*time.Second, "until a handshake and the request behind it must be done")
	flags.Parse(args)

	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if *mode == "goroutine" {
		listener, err := net.Listen("tcp", *addr)
		if err != nil {
			return err
		}
		go admin(*adminAddr, nil, nil)
		return serveGoroutines(listener, config, *deadline)
	}
	cfg := reactor.Config{
		Addr: *addr, Handler: &echoer{}, Loops: *loops, PingInterval: *ping, HandshakeTimeout: *deadline,
		MaxFrameRate: -1, MaxControlRate: -1, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	switch *mode {
	case "plain":
	case "tls12":
		config.MaxVersion = tls.VersionTLS12
		fallthrough
	case "std", "compact":
		cfg.TLS = &reactor.TLSOptions{
			Config: config, Compact: *mode == "compact", MaxHandshakes: *handshakes, Permits: *permits,
		}
	default:
		return fmt.Errorf("no mode %q", *mode)
	}
	server, err := reactor.New(cfg)
	if err != nil {
		return err
	}
	topic := server.NewTopic(reactor.TopicOptions{})
	cfg.Handler.(*echoer).topic = topic
	if err := server.Start(); err != nil {
		return err
	}
	go admin(*adminAddr, server, topic)
	return server.Wait()
}

// echoer sends back what comes, and subscribes every conn to one topic.
type echoer struct{ topic *reactor.Topic }

func (e *echoer) OnOpen(c *reactor.Conn) { _ = c.Subscribe(e.topic, 0) }

func (e *echoer) OnMessage(c *reactor.Conn, op frame.Opcode, payload []byte) { _ = c.Send(op, payload) }

func (e *echoer) OnClose(*reactor.Conn, reactor.End) {}

// selfSigned makes a certificate with an ECDSA key, the kind that is cheap for servers.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// admin serves figures, publications and, by net/http/pprof's import, profiles.
func admin(addr string, server *reactor.Server, topic *reactor.Topic) {
	http.HandleFunc("/stats", func(w http.ResponseWriter, r *http.Request) { sendStats(w, r, server) })
	http.HandleFunc("/publish", func(w http.ResponseWriter, r *http.Request) { publish(w, r, server, topic) })
	if err := http.ListenAndServe(addr, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
