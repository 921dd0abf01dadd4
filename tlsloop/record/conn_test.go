package record

import (
	"bytes"
	"crypto/tls"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for _, suite := range suites {
		t.Run(tls.CipherSuiteName(suite), func(t *testing.T) {
			c, p := pair(t, suite)
			if c.CipherSuite() != suite {
				t.Error("another suite")
			}
			var s Scratch
			for _, n := range []int{1, 2, 100, MaxPlaintext} {
				want := bytes.Repeat([]byte{byte(n)}, n)
				got, reply, err := c.Open(&s, p.Seal(23, want...), nil)
				if err != nil || len(reply) > 0 || !bytes.Equal(got, want) {
					t.Errorf("opening %d bytes: %d, %d, %v", n, len(got), len(reply), err)
				}
				kind, got, err := p.Open(c.Seal(&s, nil, want))
				if err != nil || kind != 23 || !bytes.Equal(got, want) {
					t.Errorf("sealing %d bytes: %d, %v", n, kind, err)
				}
				c.Cool()
			}
		})
	}
}

func TestCoolKeepsCounting(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	seen := map[string]bool{}
	for range 20 {
		rec := c.Seal(&s, nil, []byte("same"))
		if seen[string(rec)] {
			t.Fatal("a nonce was used twice")
		}
		seen[string(rec)] = true
		if _, _, err := p.Open(rec); err != nil {
			t.Fatal(err)
		}
		c.Cool()
		if c.read.warm != nil || c.write.warm != nil {
			t.Fatal("still warm")
		}
	}
}

func TestNewRefuses(t *testing.T) {
	secret := make([]byte, 32)
	for _, c := range []struct {
		suite       uint16
		read, write []byte
	}{
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, secret, secret},
		{tls.TLS_AES_128_GCM_SHA256, secret[:31], secret},
		{tls.TLS_AES_128_GCM_SHA256, secret, nil},
		{tls.TLS_AES_256_GCM_SHA384, secret, secret},
	} {
		if _, err := New(c.suite, c.read, c.write, 0, 0); err == nil {
			t.Errorf("%+v taken", c)
		}
	}
}
