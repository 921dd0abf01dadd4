package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = 20 * time.Second

// start is the time of the tests' clocks.
var start = time.Unix(1_800_000_000, 0)

// clock is a wall clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

var algorithms = []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA"}

var secret = []byte("a secret of the tests, at least 64 bytes long as HS512 would like")

// privateKeys are one for each kind of algorithm.
var privateKeys = sync.OnceValue(func() map[string]crypto.Signer {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	return map[string]crypto.Signer{"RS256": rsaKey, "RS384": rsaKey, "RS512": rsaKey, "ES256": p256, "ES384": p384, "EdDSA": ed}
})

// signingKey is the tests' key for the algorithm; its id is the algorithm's name.
func signingKey(algorithm string) *SigningKey {
	s := &SigningKey{ID: algorithm, Algorithm: algorithm, Secret: secret}
	if private := privateKeys()[algorithm]; private != nil {
		der, _ := x509.MarshalPKCS8PrivateKey(private)
		s.Secret, s.PrivateKeyPEM = nil, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	return s
}

func publicKey(t testing.TB, algorithm string) Key {
	t.Helper()
	k, err := signingKey(algorithm).Public()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// testConfig has a key of each algorithm.
func testConfig(t testing.TB) Config {
	cfg := Config{Issuer: "issuer", Audience: "wsedge", Leeway: 5 * time.Second, MaxTTL: time.Hour}
	for _, a := range algorithms {
		cfg.Keys = append(cfg.Keys, publicKey(t, a))
	}
	return cfg
}

func newAuth(t testing.TB, cfg Config, now func() time.Time) *Auth {
	t.Helper()
	a, err := New(cfg, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// good are the claims of a good token, with changes; nil takes one out.
func good(changes map[string]any) map[string]any {
	c := map[string]any{"sub": "ann", "iss": "issuer", "aud": "wsedge", "iat": start.Unix(), "exp": start.Unix() + 600}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func sign(t testing.TB, algorithm string, claims map[string]any) string {
	t.Helper()
	token, err := signingKey(algorithm).Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func asJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// forge signs any header and payload by HS256 with any secret.
func forge(header, payload string, key []byte) string {
	signed := b64(header) + "." + b64(payload)
	signature, _ := jwt.SigningMethodHS256.Sign(signed, key)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
