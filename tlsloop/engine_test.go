package tlsloop

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	good := []tls.Certificate{certificate()}
	for name, c := range map[string]struct {
		cfg  Config
		want []string
	}{
		"nothing":        {Config{}, []string{"TLS is missing"}},
		"no certificate": {Config{TLS: &tls.Config{}}, []string{"no certificate"}},
		"TLS 1.1":        {Config{TLS: &tls.Config{Certificates: good, MaxVersion: tls.VersionTLS11}}, []string{"MaxVersion"}},
		"no version": {Config{TLS: &tls.Config{Certificates: good, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}},
			[]string{"MaxVersion"}},
		"all at once": {Config{MaxHandshakes: -1, Permits: -1}, []string{"TLS is missing", "MaxHandshakes", "Permits"}},
	} {
		_, err := New(c.cfg)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestNewLeavesTheConfigurationAlone(t *testing.T) {
	own := &tls.Config{Certificates: []tls.Certificate{certificate()}, MinVersion: tls.VersionTLS10}
	e, err := New(Config{TLS: own})
	if err != nil {
		t.Fatal(err)
	}
	if own.NextProtos != nil || own.MinVersion != tls.VersionTLS10 || own.DynamicRecordSizingDisabled || own.GetConfigForClient != nil {
		t.Error("changed")
	}
	for _, c := range []*tls.Config{e.config, e.inner} {
		if !slices.Equal(c.NextProtos, []string{"http/1.1"}) || c.MinVersion != tls.VersionTLS12 || !c.DynamicRecordSizingDisabled {
			t.Error("defaults are missing")
		}
	}
	if e.maxHandshakes != defaultMaxHandshakes || cap(e.permits) != defaultPermits || e.Compact() || !e.release {
		t.Errorf("%+v", e.maxHandshakes)
	}
}

func TestOwnProtocolsAreKept(t *testing.T) {
	conn, s := start(t, newEngine(t, modeCompact, &tls.Config{NextProtos: []string{"mine"}}), 1000)
	echo(t, dial(t, conn, &tls.Config{NextProtos: []string{"mine"}}), 10)
	s.do(func() {
		if p := s.session.State().NegotiatedProtocol; p != "mine" {
			t.Error(p)
		}
	})
}
