package auth

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// badToken is one that must be refused, for the reason if that is not empty.
type badToken struct{ name, token, reason string }

// TestBadTokens presents tokens of which none may be accepted.
func TestBadTokens(t *testing.T) {
	a := newAuth(t, testConfig(t), newClock().now)
	for _, algorithm := range algorithms {
		if _, err := a.Verify(sign(t, algorithm, good(nil)), nil); err != nil {
			t.Fatalf("a good token by %s is refused: %v", algorithm, err)
		}
	}
	var tokens []badToken
	for _, family := range []func(*testing.T) []badToken{badShapes, badHeaders, badAlgorithms, badSignatures, badClaims} {
		tokens = append(tokens, family(t)...)
	}
	counted := int64(0)
	for _, bad := range tokens {
		identity, err := a.Verify(bad.token, nil)
		var refused *Error
		switch {
		case err == nil:
			t.Errorf("%s: accepted as %+v: %s", bad.name, identity, bad.token)
		case !errors.As(err, &refused) || identity != nil:
			t.Errorf("%s: %v", bad.name, err)
		case bad.reason != "" && refused.Reason != bad.reason:
			t.Errorf("%s: refused as %v, want %s", bad.name, err, bad.reason)
		}
	}
	for _, n := range a.Stats().Rejected {
		counted += n
	}
	if counted != int64(len(tokens)) || len(tokens) < 300 {
		t.Errorf("%d tokens, %d counted; want the same, and at least 300", len(tokens), counted)
	}
	t.Logf("%d bad tokens", len(tokens))
}

func badShapes(t *testing.T) (list []badToken) {
	token := sign(t, "HS256", good(nil))
	h, rest, _ := strings.Cut(token, ".")
	p, s, _ := strings.Cut(rest, ".")
	for i, shape := range []string{
		"", ".", "..", "...", "....", "null", "{}", h, h + ".", h + "." + p, h + "." + p + ".", "." + p + "." + s, h + ".." + s, h + "." + p + "." + s + ".",
		h + "." + p + "." + s + "." + s, "." + token, token + "=", token + "==", h + "=." + p + "." + s, h + "." + p + "=." + s, " " + token, token + " ", token + "\n",
		h + "\n." + p + "." + s, h + "." + p + "\r\n." + s, "Bearer " + token, token + "\x00", token + token, h + "." + p + "." + s[:len(s)-1] + "+",
		h + "." + p + "." + s + "A", h + "/." + p + "." + s, strings.ToUpper(token), strings.ReplaceAll(token, ".", ","), "é" + token, s + "." + p + "." + h, p + "." + h + "." + s,
	} {
		list = append(list, badToken{fmt.Sprintf("shape %d", i), shape, ""})
	}
	for n := range len(token) {
		list = append(list, badToken{fmt.Sprintf("cut at %d", n), token[:n], ""})
	}
	big := good(map[string]any{"x": strings.Repeat("x", MaxTokenBytes)})
	return append(list,
		badToken{"a million dots", strings.Repeat(".", 1_000_000), ReasonTooLarge},
		badToken{"dots to the limit", strings.Repeat(".", MaxTokenBytes), ReasonMalformed},
		badToken{"oversized", sign(t, "HS256", big), ReasonTooLarge},
		badToken{"large header", forge(`{"alg":"HS256","x":"`+strings.Repeat("x", maxHeaderBytes)+`"}`, asJSON(good(nil)), secret), ReasonMalformed},
	)
}

func badHeaders(*testing.T) (list []badToken) {
	add := func(header, reason string) {
		list = append(list, badToken{"header " + header, forge(header, asJSON(good(nil)), secret), reason})
	}
	for _, header := range []string{
		`{}`, `[]`, `null`, `"x"`, `1`, ``, ` `, `{`, `{"alg"}`, `{"alg":"HS256","kid":"HS256"`, `{"alg":"HS256","kid":"HS256"}}`, `{"alg":"HS256","kid":"HS256"}{}`,
		`{"alg":null,"kid":"HS256"}`, `{"alg":1,"kid":"HS256"}`, `{"alg":["HS256"],"kid":"HS256"}`, `{"ALG":"HS256","kid":"HS256"}`, `{"kid":"HS256"}`,
		`{"alg":"none","alg":"HS256","kid":"HS256"}`, `{"alg":"HS256","kid":"x","kid":"HS256"}`, `{"alg":"HS256","kid":"HS256","x":{"a":1,"a":2}}`,
		`{"alg":"HS256","kid":"HS256","crit":[]}`, `{"alg":"HS256","kid":"HS256","crit":["exp"]}`, `{"alg":"HS256","kid":"HS256","b64":false,"crit":["b64"]}`,
		`{"alg":"HS256","kid":"HS256","b64":true}`, `{"alg":"HS256","kid":"HS256","zip":"DEF"}`, `{"alg":"HS256","kid":"HS256","enc":"A128GCM"}`,
		`{"alg":"HS256","kid":1}`, `{"alg":"HS256","kid":null}`, `{"alg":"HS256","kid":["HS256"]}`, `{"alg":"HS256","kid":{"a":"HS256"}}`,
		`{"alg":"HS256","kid":"` + strings.Repeat("x", 129) + `"}`, "{\"alg\":\"HS256\",\"kid\":\"HS256\xff\"}", `{"alg":"HS256","kid":"HS256\u0000"}`,
		`{"alg":"HS256","kid":"HS256","x":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + `}`,
	} {
		add(header, ReasonMalformed)
	}
	for _, kid := range []string{"", "x", "hs256", "HS256 ", " HS256", "../HS256", "/dev/null", "HS256' OR '1'='1", "$(id)", "https://127.0.0.1/key", "0", "HS25", "HS2566"} {
		add(`{"alg":"HS256","kid":"`+kid+`"}`, ReasonUnknownKey)
	}
	add(`{"alg":"HS256"}`, ReasonUnknownKey) // no key without an id is configured
	for _, member := range []string{
		`"jwk":{"kty":"oct","k":"eA","kid":"HS256"}`, `"jku":"https://127.0.0.1:1/keys"`, `"x5u":"https://127.0.0.1:1/cert"`, `"x5c":["eA"]`,
	} { // the key that the header brings along signs
		list = append(list, badToken{"with " + member, forge(`{"alg":"HS256","kid":"HS256",`+member+`}`, asJSON(good(nil)), []byte("x")), ReasonSignature})
	}
	return list
}

// badAlgorithms has each key meet each algorithm that is not its own, and public keys used as secrets.
func badAlgorithms(t *testing.T) (list []badToken) {
	names := append([]string{"none", "None", "NONE", "nOnE", "", "HS1", "hs256", "PS256", "PS512", "ES512", "ES256K", "RSA-OAEP", "dir"}, algorithms...)
	for _, kid := range algorithms {
		for _, name := range names {
			if name == kid {
				continue
			}
			header := asJSON(map[string]any{"alg": name, "kid": kid})
			for what, key := range map[string][]byte{"secret": secret, "public key": []byte(publicKey(t, kid).PublicKeyPEM), "nothing": {}} {
				list = append(list, badToken{fmt.Sprintf("%s for %q by %s", kid, name, what), forge(header, asJSON(good(nil)), key), ReasonAlgorithm})
			}
			unsigned := b64(header) + "." + b64(asJSON(good(nil))) + "."
			list = append(list, badToken{"unsigned " + header, unsigned, ReasonMalformed}, badToken{"hardly signed " + header, unsigned + "AA", ReasonAlgorithm})
		}
	}
	return list
}

func badSignatures(t *testing.T) (list []badToken) {
	for _, algorithm := range algorithms {
		token := sign(t, algorithm, good(nil))
		for i := 0; i < len(token); i += 1 + len(token)/60 {
			for _, bit := range []byte{1, 0x20} {
				flipped := []byte(token)
				flipped[i] ^= bit
				list = append(list, badToken{fmt.Sprintf("%s with a bit of byte %d flipped", algorithm, i), string(flipped), ""})
			}
		}
		signed, signature := token[:strings.LastIndexByte(token, '.')+1], token[strings.LastIndexByte(token, '.')+1:]
		other := sign(t, algorithm, good(map[string]any{"sub": "bob"}))
		list = append(list,
			badToken{algorithm + " with another's signature", signed + other[strings.LastIndexByte(other, '.')+1:], ReasonSignature},
			badToken{algorithm + " all zero", signed + strings.Repeat("A", len(signature)), ""},
			badToken{algorithm + " twice", signed + signature + signature, ""},
			badToken{algorithm + " half", signed + signature[:len(signature)/4*2], ""})
	}
	header := `{"alg":"HS256","kid":"HS256"}`
	for _, wrong := range [][]byte{nil, {0}, []byte("secret"), secret[:len(secret)-1], append([]byte(" "), secret...), append(secret[:len(secret):len(secret)], '\n')} {
		list = append(list, badToken{fmt.Sprintf("by secret %q", wrong), forge(header, asJSON(good(nil)), wrong), ReasonSignature})
	}
	return list
}

// badClaims are of tokens whose signature is good.
func badClaims(t *testing.T) (list []badToken) {
	now := start.Unix()
	text := func(payload, reason string) {
		list = append(list, badToken{"claims " + payload[:min(len(payload), 120)], forge(`{"alg":"HS256","kid":"HS256"}`, payload, secret), reason})
	}
	with := func(name, value, reason string) { // the value is JSON, put in as it is
		rest := asJSON(good(map[string]any{name: nil}))
		text(fmt.Sprintf(`{%q:%s,%s`, name, value, rest[1:]), reason)
	}
	for _, payload := range []string{
		"[]", "null", `"x"`, "1", "true", "{", "{}}", "{} {}", "\xff", `{"exp":}`, asJSON(good(nil)) + "x", `{"sub":"root",` + asJSON(good(nil))[1:], `{"exp":1,` + asJSON(good(nil))[1:],
		`{"x":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + "," + asJSON(good(nil))[1:], strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500), "{}",
		`{"grants":[{"channel":"a","channel":"b","allow":["publish"]}],` + asJSON(good(nil))[1:],
	} {
		text(payload, ReasonClaims)
	}
	for _, name := range []string{"exp", "iat"} {
		list = append(list, badToken{name + " missing", sign(t, "HS256", good(map[string]any{name: nil})), ReasonClaims})
		text(strings.Replace(asJSON(good(nil)), `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1), ReasonClaims)
	}
	for _, name := range []string{"exp", "iat", "nbf"} {
		for _, value := range []string{
			`"1800000600"`, "1800000600.5", "1.8e9", "-1", "-1800000600", "-0", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e400", "253402300800",
			"true", "{}", "[]", "[1800000600]", `""`, "null",
		} {
			with(name, value, ReasonClaims)
		}
	}
	for name, values := range map[string][]string{
		"sub": {"1", "null", "{}", `["ann"]`, `"a\nb"`, `"a\u0000"`, `"a\u007f"`, `"` + strings.Repeat("x", 256) + `"`},
		"jti": {"1", "null", "[]", `"` + strings.Repeat("x", 129) + `"`},
		"iss": {"1", "null", `["issuer"]`, `{"issuer":1}`}, "aud": {"1", "null", "{}", "[1]", `[["wsedge"]]`, `["wsedge",1]`, `["wsedge"` + strings.Repeat(`,"x"`, 16) + "]"},
		"channels": {"1", `"news"`, "{}", `["a b"]`, `["a*"]`, `[""]`, "[1]", `["é"]`, `["a"` + strings.Repeat(`,"a"`, 128) + "]"},
		"channel":  {"1", `""`, `"a b"`, `"**"`, `"*a"`, `"a*b"`, `["a"]`, `"a/b"`, `"a\u0000"`, `"%2e"`},
		"info":     {`"` + strings.Repeat("x", 1024) + `"`},
		"grants": {
			"1", `"x"`, "{}", "[1]", "[[]]", "[{}]", `[{"channel":"a"}]`, `[{"allow":["publish"]}]`, `[{"channel":"a","allow":"publish"}]`, `[{"channel":"a","allow":["Publish"]}]`,
			`[{"channel":"a","allow":["*"]}]`, `[{"channel":"a","allow":[1]}]`, `[{"channel":"a b","allow":["publish"]}]`, `[{"channel":"a","allow":["publish"],"not":["publish"]}]`,
			`[{"channel":"a>","allow":["publish"]}]`, `[{"channel":"","allow":["publish"]}]`, `[{"channel":"a","allow":["publish"],"until":1}]`, `[{"Channel":"a","allow":["publish"]}]`,
			"[" + strings.Repeat(`{"channel":"a","allow":[]},`, 64) + `{"channel":"a","allow":[]}]`,
		},
	} {
		for _, value := range values {
			with(name, value, ReasonClaims)
		}
	}
	for _, row := range []struct {
		changes map[string]any
		reason  string
	}{
		{map[string]any{"exp": now - 5}, ReasonExpired}, {map[string]any{"exp": 0}, ReasonExpired}, {map[string]any{"exp": now - 86400, "iat": now - 90000}, ReasonExpired},
		{map[string]any{"nbf": now + 6}, ReasonNotYet}, {map[string]any{"iat": now + 6}, ReasonNotYet},
		{map[string]any{"exp": now + 3601}, ReasonLifetime}, {map[string]any{"exp": int64(maxUnixTime)}, ReasonLifetime}, {map[string]any{"iat": 0}, ReasonLifetime},
		{map[string]any{"iss": nil}, ReasonIssuer}, {map[string]any{"iss": ""}, ReasonIssuer}, {map[string]any{"iss": "Issuer"}, ReasonIssuer}, {map[string]any{"iss": "issuer/"}, ReasonIssuer},
		{map[string]any{"aud": nil}, ReasonAudience}, {map[string]any{"aud": ""}, ReasonAudience}, {map[string]any{"aud": []string{}}, ReasonAudience},
		{map[string]any{"aud": []string{"a", "b"}}, ReasonAudience}, {map[string]any{"aud": "WSEDGE"}, ReasonAudience}, {map[string]any{"channel": "news"}, ReasonPurpose},
	} {
		list = append(list, badToken{asJSON(row.changes), sign(t, "HS256", good(row.changes)), row.reason})
	}
	return list
}
