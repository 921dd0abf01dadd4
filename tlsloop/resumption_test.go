package tlsloop

import (
	"crypto/rand"
	"crypto/tls"
	"testing"
)

func TestResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				e := newEngine(t, m, nil)
				cfg := &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(4), ServerName: "localhost", MaxVersion: version}
				for i := range 4 {
					conn, s := start(t, e, 1000)
					client := dial(t, conn, cfg)
					echo(t, client, 3000) // which reads the ticket as well
					if client.ConnectionState().DidResume != (i > 0) {
						t.Errorf("connection %d: resumed %v", i, i == 0)
					}
					s.do(func() {
						if s.session.State().DidResume != (i > 0) {
							t.Error("the server sees it differently")
						}
					})
				}
				if s := e.Stats(); s.Resumed != 3 || s.Succeeded != 4 || s.Mismatched != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestSessionTicketKeysAreShared(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		var key, another [32]byte
		rand.Read(key[:])
		rand.Read(another[:])
		cache := tls.NewLRUClientSessionCache(4)
		connect := func(key [32]byte) bool {
			var old [32]byte // replaced for each engine
			rand.Read(old[:])
			server := &tls.Config{}
			server.SetSessionTicketKeys([][32]byte{old})
			e := newEngine(t, m, server)
			e.SetSessionTicketKeys([][32]byte{key})
			conn, _ := start(t, e, 1000)
			client := dial(t, conn, &tls.Config{ClientSessionCache: cache, ServerName: "localhost"})
			echo(t, client, 10)
			return client.ConnectionState().DidResume
		}
		if connect(key) || !connect(key) || connect(another) {
			t.Error("tickets are bound to something else")
		}
	})
}
