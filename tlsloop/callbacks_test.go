package tlsloop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
)

func TestCallbackThatPanics(t *testing.T) {
	for name, callback := range map[string]func(){"panic": func() { panic("oh no") }, "exit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, modeStd, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				callback()
				return nil, nil
			}})
			for range 3 { // the permit comes back
				conn, s := start(t, e, 1000)
				if _, err := conn.Write(helloOf(t, &tls.Config{})); err != nil {
					t.Fatal(err)
				}
				<-s.failed
				if name == "panic" && !strings.Contains(fmt.Sprint(s.err), "oh no") || name == "exit" && s.err != errExited {
					t.Error(s.err)
				}
			}
			if s := e.Stats(); s.Failed != 3 || s.InFlight != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestCallbacksSeeAddresses(t *testing.T) {
	local, remote := &net.TCPAddr{Port: 1}, &net.TCPAddr{Port: 2}
	for _, set := range []bool{true, false} {
		e := newEngine(t, modeCompact, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			l, r := hello.Conn.LocalAddr(), hello.Conn.RemoteAddr()
			if set && (l != local || r != remote) || !set && (l.String() != "" || r.String() != "" || l.Network() == "") {
				return nil, fmt.Errorf("%v %v", l, r)
			}
			c := certificate()
			return &c, nil
		}})
		clientEnd, serverEnd := memoryPair()
		w := newWorker(t, e)
		w.serve(t, serverEnd, 1000, func(s *served) {
			s.onNew = func() {
				if set {
					s.session.SetAddrs(local, remote)
				}
			}
		})
		echo(t, dial(t, clientEnd, nil), 10)
	}
}

func TestGetConfigForClient(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		log := keyLog{}
		e := newEngine(t, m, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			switch hello.ServerName {
			case "refused.example":
				return nil, errors.New("not here")
			case "proven.example":
				return &tls.Config{Certificates: []tls.Certificate{certificate()}, ClientAuth: tls.RequireAnyClientCert, KeyLogWriter: log}, nil
			}
			return nil, nil
		}})
		conn, _ := start(t, e, 1000)
		echo(t, dial(t, conn, &tls.Config{ServerName: "other.example"}), 10)

		conn, s := start(t, e, 1000)
		clientLog := keyLog{}
		echo(t, dial(t, conn, &tls.Config{
			ServerName: "proven.example", Certificates: []tls.Certificate{certificate()}, KeyLogWriter: clientLog,
		}), 10)
		s.do(func() {
			if st := s.session.State(); len(st.PeerCertificates) != 1 || st.ServerName != "proven.example" {
				t.Errorf("%+v", st)
			}
		})
		if len(log) < 4 {
			t.Errorf("the caller's key log has %d labels", len(log))
		}
		for label, secret := range clientLog {
			if !bytes.Equal(log[label], secret) {
				t.Errorf("%s differs", label)
			}
		}

		conn, s = start(t, e, 1000)
		if _, err := conn.Write(helloOf(t, &tls.Config{ServerName: "refused.example"})); err != nil {
			t.Fatal(err)
		}
		<-s.failed
		if s.err == nil || s.err.Error() != "not here" {
			t.Error(s.err)
		}
	})
}
