package webhook

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestSignature checks the example of the libraries that go with the Standard Webhooks specification.
func TestSignature(t *testing.T) {
	secret, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	if err != nil {
		t.Fatal(err)
	}
	got := signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestSecrets(t *testing.T) {
	long := strings.Repeat("x", 16)
	for text, want := range map[string]string{
		long: long, " " + long + "\n": long, "whsec_" + base64.StdEncoding.EncodeToString([]byte(long)): long,
		"": "", "short": "", "whsec_!!": "", "whsec_AAAA": "", strings.Repeat(" ", 20): "",
	} {
		got, err := ParseSecret(text)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestRequestsAreSigned has the backend check as backends do.
func TestRequestsAreSigned(t *testing.T) {
	backend := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := signature(testSecret, r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), body)
		if got := r.Header.Get("Webhook-Signature"); got != want || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s signed %s, want %s", r.Method, body, got, want)
		}
		_, _ = io.WriteString(w, `{"allow":true}`)
	})
	c := startClient(t, Config{URL: backend.URL})
	if v := ask(t, c, Publish, Occasion{Client: "c", Channel: "news", Data: []byte(`{"x":"é"}`)}); !v.Allow || v.Failed {
		t.Fatalf("%+v", v)
	}
}
