package edge

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
)

// TestRevokeManyConnections revokes a user with 200 connections among others, while more come.
func TestRevokeManyConnections(t *testing.T) {
	s := startServer(t, authConfig())
	now := time.Now()
	token := mint(t, now, map[string]any{"jti": "stolen"})
	var anns []*client
	for i := range 200 {
		if i%10 == 0 {
			anns = append(anns, dial(t, s, "/ws/raw?channel=news&token="+token, ""))
			continue
		}
		anns = append(anns, greetWith(t, s, token))
	}
	bob := greetWith(t, s, mint(t, now, map[string]any{"sub": "bob", "jti": "bobs"}))
	stop := make(chan struct{})
	var coming sync.WaitGroup
	coming.Go(func() { // opens and closes amid the revocation
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				dial(t, s, "/ws?token="+token, "").conn.Close()
			}
		}
	})
	status, answer := call(t, s, "POST", "/api/revoke", `{"user":"ann"}`, apiKey)
	if status != 200 || !strings.HasPrefix(answer, `{"disconnected":2`) {
		t.Errorf("%d %s", status, answer)
	}
	for i, c := range anns {
		if i%10 == 0 {
			c.wantClose(frame.ClosePolicyViolation)
			continue
		}
		c.wantGoodbye(native.CloseBadToken, "token_revoked")
	}
	close(stop)
	coming.Wait()
	dial(t, s, "/ws?token="+token, "").wantGoodbye(native.CloseBadToken, "token_revoked")
	greetWith(t, s, mint(t, now, map[string]any{"iat": time.Now().Unix() + 3})) // issued later
	bob.idle()

	for _, row := range []struct{ body, want string }{
		{`{"user":"carl"}`, `{"disconnected":0}`}, {`{"token":"bobs"}`, `{"disconnected":1}`}, {`{"client":"` + bob.id + `x"}`, `{"disconnected":0}`},
	} {
		if status, answer := call(t, s, "POST", "/api/disconnect", row.body, apiKey); status != 200 || answer != row.want {
			t.Errorf("%s: %d %s", row.body, status, answer)
		}
	}
	bob.wantGoodbye(native.CloseForced, "forced")
	greetWith(t, s, mint(t, now, map[string]any{"sub": "bob", "jti": "bobs"})) // disconnected is not revoked
	for _, body := range []string{`{}`, `{"user":""}`, `{"user":1}`, `{"user":"a","token":"b"}`, `{"user":"a","user":"b"}`, `{"user":"` + strings.Repeat("x", 256) + `"}`} {
		if status, answer := call(t, s, "POST", "/api/disconnect", body, apiKey); status != 400 || !strings.Contains(answer, `"code":"bad_request"`) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
}

// TestGateForgets: nothing is left in the books when all are gone.
func TestGateForgets(t *testing.T) {
	s := startServer(t, authConfig())
	for i := range 50 {
		greetWith(t, s, mint(t, time.Now(), map[string]any{"sub": fmt.Sprint("u", i%7), "jti": fmt.Sprint("t", i%11)})).conn.Close()
		dial(t, s, "/ws", "").conn.Close()
	}
	for deadline := time.Now().Add(patience); s.clients.count() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("clients are left")
		}
		time.Sleep(time.Millisecond) // between two looks
	}
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if len(s.gate.users)+len(s.gate.tokens)+len(s.gate.expiries)+len(s.gate.leavers) != 0 {
		t.Errorf("%d users, %d tokens, %d expiries", len(s.gate.users), len(s.gate.tokens), len(s.gate.expiries))
	}
}

// TestKeysThatMustBeFetched: what a client sends behind its token is not lost, and not answered before the token is.
func TestKeysThatMustBeFetched(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(nil)
	der, _ := x509.MarshalPKCS8PrivateKey(private)
	signing := &auth.SigningKey{ID: "k", Algorithm: "EdDSA", PrivateKeyPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
	release := make(chan struct{})
	issuer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": strings.TrimRight(b64URL(public), "=")}}})
	}))
	issuer.Config.ErrorLog = log.New(io.Discard, "", 0)
	issuer.StartTLS()
	defer issuer.Close()
	cfg := authConfig()
	cfg.Auth.Issuer = "issuer"
	cfg.Auth.JWKS = auth.JWKS{URL: issuer.URL, AllowPrivate: true, CertificatesPEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw}))}
	s := startServer(t, cfg)
	now := time.Now()
	token, err := signing.Sign(map[string]any{"iss": "issuer", "sub": "ann", "iat": now.Unix(), "exp": now.Unix() + 60})
	if err != nil {
		t.Fatal(err)
	}
	request := handshake(s, "/ws?token="+token, "") + string(frames(`{"type":"ping","id":1}`, `{"type":"subscribe","id":2,"channel":"news"}`, `{"type":"nonsense","id":3}`))
	c := dialRaw(t, s, request)
	floods := dial(t, s, "/ws?token="+token, "")
	for range maxHeldMessages + 1 {
		floods.say(`{"type":"ping"}`)
	}
	floods.wantGoodbye(native.CloseRate, "limit")
	nonsense := dial(t, s, "/ws?token="+token, "")
	for range maxStrikes {
		nonsense.say(`{}`)
	}
	nonsense.say(`{"type":"publish","channel":"open:late","data":1}`)
	if r := dialRaw(t, s, handshake(s, "/ws/raw?channel=news&token="+token, "")); r.status() != "503" || !strings.Contains(r.head, "Retry-After: 1") {
		t.Errorf("raw: %s", r.head)
	}
	close(release)
	c.want(`{"type":"welcome",*"user":"ann",*}`)
	c.want(`{"type":"pong","id":1}`)
	c.want(`{"type":"subscribed","id":2,*}`)
	c.want(`{"type":"error","id":3,"code":"unknown_type",*}`)
	nonsense.want(`{"type":"welcome",*}`)
	for range maxStrikes {
		nonsense.want(`{"type":"error","code":"bad_request",*}`)
	}
	nonsense.wantGoodbye(native.CloseBadRequest, "bad_request")
	if channel := s.hub.Find("open:late"); channel != nil {
		t.Error("who was closed has published behind that")
	}

	// A key that was not there a moment ago may be new: its client is to come again. One that has its place keeps it.
	signing.ID = "rotated"
	if token, err = signing.Sign(map[string]any{"iss": "issuer", "sub": "ann", "iat": now.Unix(), "exp": now.Unix() + 60}); err != nil {
		t.Fatal(err)
	}
	early := dial(t, s, "/ws?token="+token, "")
	early.want(`{"type":"disconnect","code":1013,"reason":"key_unknown","retry_after_ms":*}`)
	early.wantClose(frame.CloseTryAgainLater)
	if r := dialRaw(t, s, handshake(s, "/ws/raw?channel=news&token="+token, "")); r.status() != "503" || !strings.Contains(r.head, "Retry-After: 5") {
		t.Errorf("raw: %s", r.head)
	}
	c.say(`{"type":"refresh","id":4,"token":"` + token + `"}`)
	c.want(`{"type":"error","id":4,"code":"unavailable",*}`)
	c.idle()
}
