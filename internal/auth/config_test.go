package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"
)

func pemOf(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestCheckReportsAllProblems(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	rs, es := publicKey(t, "RS256").PublicKeyPEM, publicKey(t, "ES256").PublicKeyPEM
	cfg := Config{
		Leeway: time.Minute, MaxTTL: -1, ConnectTimeout: -1, JWKS: JWKS{URL: "http://x/", Interval: time.Second, MaxStale: -1},
		Keys: []Key{
			{ID: "a", Algorithm: "HS256", Secret: []byte("topsecret")}, {ID: "b", Algorithm: "none"}, {ID: "c", Algorithm: "ES256", PublicKeyPEM: rs},
			{ID: "d", Algorithm: "RS256", PublicKeyPEM: es}, {ID: "e", Algorithm: "ES384", PublicKeyPEM: es}, {ID: "f", Algorithm: "RS256", PublicKeyPEM: pemOf(t, small.Public())},
			{ID: "g", Algorithm: "ES512", PublicKeyPEM: pemOf(t, p521.Public())}, {ID: "h", Algorithm: "HS256", Secret: secret, PublicKeyPEM: rs},
			{ID: "i", Algorithm: "RS256", Secret: secret}, {ID: "j", Algorithm: "HS256", Secret: secret}, {ID: "j", Algorithm: "HS256", Secret: secret},
			{ID: strings.Repeat("k", 129), Algorithm: "HS256", Secret: secret}, {ID: "l", Algorithm: "EdDSA", PublicKeyPEM: "x"},
			{ID: "m", Algorithm: "RS256", PublicKeyPEM: signingKey("RS256").PrivateKeyPEM}, {ID: "n", Algorithm: "PS256", PublicKeyPEM: rs},
		},
		APIKeys: []APIKey{
			{Name: "o", Secret: "topsecret", Scopes: []Scope{"all"}}, {Name: "p", Scopes: []Scope{"all"}}, {Name: "q", Secret: strings.Repeat("x", 16)},
			{Name: "r", SHA256: "zz", Scopes: []Scope{"all"}}, {Name: "", Secret: strings.Repeat("x", 16), Scopes: []Scope{"all"}},
			{Name: "s", Secret: strings.Repeat("x", 16), Scopes: []Scope{"root"}, Channels: []string{"a*"}}, {Name: "o", SHA256: hex.EncodeToString(sha256.New().Sum(nil)), Scopes: []Scope{"all"}},
		},
	}
	err = cfg.Check()
	if !errors.Is(err, ErrConfig) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"leeway", "longest life", "time to connect", "interval", "age", "needs an issuer", `key "a"`, `key "b"`, `key "c"`, `key "d"`, `key "e"`, `key "f": the RSA key has 1024 bits`, `key "g"`,
		`key "h"`, `key "i"`, `key "j": there is another`, "longer than 128", `key "l"`, `key "m"`, `key "n"`, "JWKS URL",
		`API key "o": want a secret of 16`, `API key "p"`, `API key "q": want scopes`, `API key "r"`, `API key ""`, `"root"`, `"a*"`, `API key "o": there is another`, "SHA-256 of nothing",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "topsecret") {
		t.Error("a secret is quoted")
	}
	if err := testConfig(t).Check(); err != nil {
		t.Error(err)
	}
}

func TestAPIKeys(t *testing.T) {
	digest := sha256.Sum256([]byte("the key of the reader"))
	a := newAuth(t, Config{APIKeys: []APIKey{
		{Name: "all", Secret: "the key of the boss", Scopes: []Scope{ScopeAll}}, {Name: "read", SHA256: hex.EncodeToString(digest[:]), Scopes: []Scope{ScopeRead}},
		{Name: "chat", Secret: "the key of the chat", Scopes: []Scope{ScopePublish, ScopeManage}, Channels: []string{"chat:", "x"}},
	}}, newClock().now)
	for _, row := range []struct {
		presented, name string
		scopes          string
	}{
		{"the key of the boss", "all", "publish manage read all"}, {"the key of the reader", "read", "read"}, {"the key of the chat", "chat", "publish manage"},
		{"", "", ""}, {"the key of the bos", "", ""}, {"the key of the boss ", "", ""}, {"The key of the boss", "", ""}, {hex.EncodeToString(digest[:]), "", ""}, {string(digest[:]), "", ""},
		{strings.Repeat("x", 1_000_000), "", ""}, {"\x00", "", ""},
	} {
		b := a.Backend(row.presented)
		if b == nil {
			if row.name != "" {
				t.Errorf("%q is refused", row.name)
			}
			continue
		}
		var open []string
		for _, s := range []Scope{ScopePublish, ScopeManage, ScopeRead, ScopeAll} {
			if b.Allows(s) {
				open = append(open, string(s))
			}
		}
		if b.Name != row.name || strings.Join(open, " ") != row.scopes {
			t.Errorf("%q is %q and opens %q", row.presented, b.Name, open)
		}
	}
	chat := a.Backend("the key of the chat")
	for name, allowed := range map[string]bool{"chat:1": true, "chat:": true, "chat": false, "xyz": true, "news": false, "achat:": false} {
		if chat.AllowsChannel(name) != allowed {
			t.Errorf("%s: %v", name, !allowed)
		}
	}
	if newAuth(t, Config{}, newClock().now).Backend("") != nil {
		t.Error("without keys the empty one is good")
	}
}
