package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keep writes a file of the test.
func keep(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const testSecret = "a secret of the tests that is long enough"

func TestTokenIsMadeAndExplained(t *testing.T) {
	secret := keep(t, "secret", testSecret+"\n")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKCS8PrivateKey(private)
	public, _ := x509.MarshalPKIXPublicKey(private.Public())
	key := keep(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	pub := keep(t, "pub.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
	other := keep(t, "other", strings.Repeat("x", 32))
	for _, row := range []struct {
		make, explain string
		status        int
		want          []string
	}{
		{"--secret-file " + secret + " --user ann --grant news:*=subscribe,publish --grant a=history --channels b,c --id t1", "--secret-file " + secret, 0,
			[]string{`"sub": "ann"`, `{"allow":["subscribe","publish"],"channel":"news:*"}`, `"channels": ["b","c"]`, `"jti": "t1"`, "valid, to connect"}},
		{"--secret-file " + secret + " --algorithm HS512 --key-id k --channel news:* --issuer i --audience a", "--secret-file " + secret + " --algorithm HS512 --key-id k --issuer i --audience a", 0,
			[]string{`"HS512"`, `key id     "k"`, "valid, for subscribe"}},
		{"--key-file " + key + " --algorithm ES256", "--key-file " + pub + " --algorithm ES256", 0, []string{"valid, to connect"}},
		{"--secret-file " + secret, "", 0, []string{"not verified", "expires"}},
		{"--secret-file " + secret, "--secret-file " + other, 1, []string{"refused", "signature"}},
		{"--secret-file " + secret + " --ttl 48h", "--secret-file " + secret, 1, []string{"refused", "lifetime"}},
		{"--secret-file " + secret, "--key-file " + pub + " --algorithm ES256", 1, []string{"refused", "algorithm"}},
	} {
		status, made, stderr := call(nil, append([]string{"token"}, strings.Fields(row.make)...)...)
		if status != exitOK {
			t.Errorf("%s: %d %s", row.make, status, stderr)
			continue
		}
		status, told, stderr := call(nil, append(append([]string{"token", "explain"}, strings.Fields(row.explain)...), strings.TrimSpace(made))...)
		if status != row.status {
			t.Errorf("%s: %d %s", row.explain, status, stderr)
		}
		for _, want := range row.want {
			if !strings.Contains(told, want) {
				t.Errorf("%s: %q is not in\n%s", row.make, want, told)
			}
		}
		if strings.Contains(told+stderr+made, testSecret) {
			t.Error("the secret is told")
		}
	}
}

func TestTokenWithBadArguments(t *testing.T) {
	secret, short := keep(t, "secret", testSecret), keep(t, "short", "topsecret")
	for args, want := range map[string]string{
		"": "either --secret-file or --key-file", "--secret-file a --key-file b": "either", "--secret-file " + short: "at least 32 bytes", "--secret-file /nowhere/x": "/nowhere/x",
		"--secret-file " + secret + " --ttl 0s": "--ttl", "--secret-file " + secret + " --grant x": "CHANNEL=ACTION", "--secret-file " + secret + " --grant x=fly": "no action", "--key-file " + secret: "PEM",
		"--secret-file " + secret + " --channel a*b": "--channel", "--secret-file " + secret + " --algorithm none": "PEM", "explain": "want a token", "explain --secret-file " + short + " a.b.c": "at least 32",
		"explain nonsense": "too much",
	} {
		status, stdout, stderr := call(nil, append([]string{"token"}, strings.Fields(args)...)...)
		if status == exitOK || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, "topsecret") {
			t.Errorf("%s: %d %q %q, want %q", args, status, stdout, stderr, want)
		}
	}
}

func TestServeWithBadAuthentication(t *testing.T) {
	short := keep(t, "short", "topsecret")
	for args, want := range map[string]string{
		"--anonymous": "needs --auth-secret-file", "--auth-secret-file /nowhere/x": "/nowhere/x", "--auth-secret-file " + short: "at least 32 bytes", "--api-key-file " + short: "16 to 512",
		"--auth-secret-file " + short + " --addr nonsense": "want host:port",
	} {
		status, _, stderr := call(nil, append([]string{"serve"}, strings.Fields(args)...)...)
		if status != exitUsage || !strings.Contains(stderr, want) || strings.Contains(stderr, "topsecret") {
			t.Errorf("%s: %d %s", args, status, stderr)
		}
	}
}
