package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func reasonOf(err error) string {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ""
}

func TestClaimsBecomeTheIdentity(t *testing.T) {
	a := newAuth(t, testConfig(t), newClock().now)
	identity, err := a.Verify(sign(t, "ES384", good(map[string]any{
		"sub": "änn \"q\"", "jti": "t1", "aud": []string{"x", "wsedge"}, "nbf": start.Unix(), "channels": []string{"news", "user#1"}, "unknown": []int{1},
		"info": map[string]any{"name": "Ann"}, "grants": []any{map[string]any{"channel": "news:*", "allow": []string{"subscribe", "history"}}},
	})), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"User":"änn \"q\"","TokenID":"t1","Issued":` + asJSON(start) + `,"Expires":` + asJSON(start.Add(10*time.Minute)) +
		`,"Channels":["news","user#1"],"Grants":[{"Channel":"news:*","Allow":9}],"Info":{"name":"Ann"}}`
	if got := asJSON(identity); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestTimesOfAToken steps the clock a second to both sides of each edge: the leeway is 5 s.
func TestTimesOfAToken(t *testing.T) {
	clock := newClock()
	a := newAuth(t, testConfig(t), clock.now)
	token := sign(t, "HS256", good(map[string]any{"iat": start.Unix(), "nbf": start.Unix() + 60, "exp": start.Unix() + 600}))
	early := sign(t, "HS256", good(map[string]any{"iat": start.Unix() + 100, "exp": start.Unix() + 600}))
	for _, row := range []struct {
		token  string
		at     int64
		reason string
	}{
		{token, 54, ReasonNotYet}, {token, 55, ""}, {token, 56, ""}, {token, 604, ""}, {token, 605, ReasonExpired}, {token, 606, ReasonExpired},
		{token, 3600, ReasonExpired}, {token, -3600, ReasonNotYet}, {token, 100, ""}, {early, 94, ReasonNotYet}, {early, 95, ""},
	} {
		clock.set(start.Add(time.Duration(row.at) * time.Second))
		if _, err := a.Verify(row.token, nil); reasonOf(err) != row.reason {
			t.Errorf("at %d: %v, want %q", row.at, err, row.reason)
		}
	}
}

func TestSubscriptionTokens(t *testing.T) {
	a := newAuth(t, testConfig(t), newClock().now)
	ann, nobody := &Identity{User: "ann"}, (*Identity)(nil)
	one, all := sign(t, "HS256", good(map[string]any{"channel": "news", "jti": "s"})), sign(t, "EdDSA", good(map[string]any{"channel": "news:*", "sub": nil}))
	if s, err := a.VerifySubscription(one, ann, nil); err != nil || s.Channel != "news" || s.TokenID != "s" || s.Expires.Unix() != start.Unix()+600 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := a.VerifySubscription(all, nobody, nil); err != nil || s.Channel != "news:*" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, row := range []struct {
		token    string
		identity *Identity
		reason   string
	}{
		{one, nobody, ReasonSubject}, {one, &Identity{}, ReasonSubject}, {one, &Identity{User: "Ann"}, ReasonSubject}, {all, ann, ReasonSubject},
		{sign(t, "HS256", good(nil)), ann, ReasonPurpose}, {one + "A", ann, ReasonSignature},
	} {
		if s, err := a.VerifySubscription(row.token, row.identity, nil); s != nil || reasonOf(err) != row.reason {
			t.Errorf("%+v, %v; want %s", s, err, row.reason)
		}
	}
}

func TestWithoutIssuerAndAudience(t *testing.T) {
	cfg := Config{Keys: []Key{publicKey(t, "HS256")}}
	a := newAuth(t, cfg, newClock().now)
	if _, err := a.Verify(sign(t, "HS256", good(map[string]any{"aud": nil})), nil); err != nil {
		t.Error(err)
	}
	for _, aud := range []any{"wsedge", []string{}, ""} {
		if _, err := a.Verify(sign(t, "HS256", good(map[string]any{"aud": aud})), nil); reasonOf(err) != ReasonAudience {
			t.Errorf("aud %v: %v", aud, err)
		}
	}
}

// TestSameKeyIDAtTwoIssuers: what one Auth knows by an id says nothing about another's.
func TestSameKeyIDAtTwoIssuers(t *testing.T) {
	keys := [2][]byte{[]byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))}
	for own := range keys {
		a := newAuth(t, Config{Keys: []Key{{ID: "k", Algorithm: "HS256", Secret: keys[own]}}}, newClock().now)
		for other := range keys {
			token, _ := (&SigningKey{ID: "k", Algorithm: "HS256", Secret: keys[other]}).Sign(good(map[string]any{"aud": nil}))
			if _, err := a.Verify(token, nil); (err == nil) != (own == other) {
				t.Errorf("key %d, token %d: %v", own, other, err)
			}
		}
	}
}

// TestRotation overlaps two keys, lets the old one end, and takes it out.
func TestRotation(t *testing.T) {
	clock := newClock()
	cfg := testConfig(t)
	cfg.Keys[0].ValidUntil = start.Add(time.Minute) // HS256
	a := newAuth(t, cfg, clock.now)
	old, fresh := sign(t, "HS256", good(nil)), sign(t, "HS384", good(nil))
	check := func(when string, token, reason string) {
		t.Helper()
		if _, err := a.Verify(token, nil); reasonOf(err) != reason {
			t.Errorf("%s: %v, want %q", when, err, reason)
		}
	}
	check("overlap", old, "")
	check("overlap", fresh, "")
	clock.add(time.Minute)
	check("after its end", old, ReasonUnknownKey)
	check("after the old one's end", fresh, "")
	cfg.Keys = cfg.Keys[:1]
	cfg.Keys[0].ValidUntil = time.Time{}
	if err := a.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	check("reloaded", old, "")
	check("reloaded", fresh, ReasonUnknownKey)
	cfg.Keys[0].Secret = []byte("short")
	if err := a.Reload(cfg); !errors.Is(err, ErrConfig) {
		t.Errorf("a bad configuration is loaded: %v", err)
	}
	check("not reloaded", old, "")
}

func TestReloadAmidVerifying(t *testing.T) {
	with, without := testConfig(t), testConfig(t)
	without.Keys = without.Keys[1:]
	a := newAuth(t, with, newClock().now)
	token, always := sign(t, "HS256", good(nil)), sign(t, "HS512", good(nil))
	done := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := a.Verify(token, nil); err != nil && reasonOf(err) != ReasonUnknownKey {
					t.Errorf("amid a reload: %v", err)
				}
				if _, err := a.Verify(always, nil); err != nil {
					t.Errorf("with a key that stays: %v", err)
				}
			}
		})
	}
	for i := range 1000 {
		if err := a.Reload([]Config{with, without}[i%2]); err != nil {
			t.Error(err)
		}
	}
	close(done)
	clients.Wait()
}

func TestRevocation(t *testing.T) {
	clock := newClock()
	a := newAuth(t, testConfig(t), clock.now)
	token := func(user, id string, issued int64) string {
		return sign(t, "HS256", good(map[string]any{"sub": user, "jti": id, "iat": start.Unix() + issued, "exp": start.Unix() + issued + 3600}))
	}
	clock.add(10 * time.Second)
	if err := errors.Join(revoke(a, Revocation{User: "ann"}), revoke(a, Revocation{Token: "t9"})); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		token  string
		reason string
	}{
		{token("ann", "t1", 0), ReasonRevoked}, {token("ann", "", 10), ReasonRevoked}, {token("ann", "t2", 11), ""}, {token("bob", "t1", 0), ""},
		{token("bob", "t9", 0), ReasonRevoked}, {token("", "t9", 0), ReasonRevoked}, {token("", "", 0), ""}, {token("t9", "ann", 0), ""},
	} {
		if _, err := a.Verify(row.token, nil); reasonOf(err) != row.reason {
			t.Errorf("%v, want %q", err, row.reason)
		}
	}
	late := token("ann", "", 10)
	for clock.now().Before(start.Add(3615 * time.Second)) { // the last second in which the token could be good
		a.revoked.sweep(clock.now(), a.Keep())
		if _, err := a.Verify(late, nil); err == nil {
			t.Fatalf("the revocation is forgotten at %v", clock.now().Sub(start))
		}
		clock.add(time.Second)
	}
	clock.add(time.Minute)
	a.revoked.sweep(clock.now(), a.Keep())
	if n := a.Stats().Revocations; n != 0 {
		t.Errorf("%d revocations are kept for good", n)
	}
}

func TestRevocationsAreBounded(t *testing.T) {
	clock := newClock()
	a := newAuth(t, testConfig(t), clock.now)
	for i := range maxRevoked {
		if err := revoke(a, Revocation{User: fmt.Sprint("u", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := revoke(a, Revocation{Token: "x"}); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	if err := revoke(a, Revocation{User: "u1"}); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	clock.add(3 * time.Hour)
	if err := revoke(a, Revocation{Token: "x"}); err != nil || a.Stats().Revocations != 1 {
		t.Errorf("once the others are of no use: %v, %d", err, a.Stats().Revocations)
	}
}

// FuzzVerify: what is accepted was signed, by the word of the library's own parser.
func FuzzVerify(f *testing.F) {
	a := newAuth(f, testConfig(f), newClock().now)
	for _, algorithm := range algorithms {
		f.Add(sign(f, algorithm, good(map[string]any{"jti": "x", "channels": []string{"a"}, "grants": []any{map[string]any{"channel": "a*", "allow": []string{"publish"}}}})))
	}
	f.Add(forge(`{"alg":"none","kid":"HS256"}`, "{}", nil))
	f.Add("..")
	keys := make(map[string]any)
	for name, k := range a.rules.Load().ring {
		keys[name] = k.material
	}
	oracle := jwt.NewParser(jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	f.Fuzz(func(t *testing.T, token string) {
		_ = Explain(a, token)
		identity, err := a.Verify(token, nil)
		if err != nil {
			if identity != nil || reasonOf(err) == "" {
				t.Fatalf("%+v, %v", identity, err)
			}
			return
		}
		_, err = oracle.Parse(token, func(parsed *jwt.Token) (any, error) {
			kid, _ := parsed.Header["kid"].(string)
			if kid != parsed.Method.Alg() {
				return nil, errors.New("another algorithm than the key's")
			}
			return keys[kid], nil
		})
		if err != nil {
			t.Fatalf("accepted, but %v", err)
		}
	})
}

// FuzzClaims: what is behind a good signature is read or refused, and bounded.
func FuzzClaims(f *testing.F) {
	f.Add(asJSON(good(nil)))
	f.Add(`{"exp":1,"iat":0,"grants":[{"channel":"*","allow":["history"]}],"channels":["a"],"aud":["x"],"info":null}`)
	f.Fuzz(func(t *testing.T, payload string) {
		c, err := readClaims([]byte(payload))
		if err != nil {
			return
		}
		if len(c.User) > maxUserBytes || len(c.Channels) > maxChannels || len(c.Grants) > maxGrants || len(c.Info) > maxInfoBytes || c.Expires.IsZero() || c.Issued.IsZero() {
			t.Fatalf("%+v", c)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	a := newAuth(b, testConfig(b), newClock().now)
	for _, algorithm := range algorithms {
		token := sign(b, algorithm, good(nil))
		b.Run("alg="+algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Verify(token, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestBadShapesCostLittle: a million dots buy no memory.
func TestBadShapesCostLittle(t *testing.T) {
	a := newAuth(t, testConfig(t), newClock().now)
	for _, token := range []string{strings.Repeat(".", 1_000_000), strings.Repeat(".", MaxTokenBytes), strings.Repeat("A", MaxTokenBytes)} {
		if n := testing.AllocsPerRun(10, func() { _, _ = a.Verify(token, nil) }); n > 4 {
			t.Errorf("%d bytes: %.0f allocations", len(token), n)
		}
	}
}

func TestRunEnds(t *testing.T) {
	a := newAuth(t, testConfig(t), newClock().now)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a.Run(ctx, func(err error) { t.Error(err) })
}
