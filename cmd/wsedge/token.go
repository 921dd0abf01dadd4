package main

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/wsedge/wsedge/internal/auth"
)

// token is the command token, which makes one or, as token explain, explains one.
func token(e *environment, args []string) int {
	if len(args) > 0 && args[0] == "explain" {
		return explainToken(e, args[1:])
	}
	flags := newFlags(e, "token",
		"token makes a token for a client and writes it to the standard output. wsedge token explain tells about one.",
		"wsedge token --secret-file secret --user ann --ttl 1h --grant 'news:*=subscribe,publish'")
	key := addKey(flags, "sign", "private key")
	user := flags.String("user", "", "`name` of the user (default: none)")
	ttl := flags.Duration("ttl", time.Hour, "how long the token is good")
	id := flags.String("id", "", "`id` of the token, by which it can be revoked (default: a random one)")
	issuer := flags.String("issuer", "", "`name` of the issuer (default: what --config says)")
	audience := flags.String("audience", "", "`name` of whom the token is for (default: what --config says)")
	channel := flags.String("channel", "", "make a token for subscribe, to `channel`, or to all that begin so with * behind")
	var channels list
	flags.Var(&channels, "channels", "`channels` that the server subscribes the client to; several: comma or again")
	var grants []map[string]any
	flags.Func("grant", "what the client may do: `CHANNEL=ACTION,ACTION`, where the channel may end in *, and actions are subscribe, publish, presence, history; again for more",
		func(s string) error { return addGrant(&grants, s) })
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	signing, err := key.signing()
	if *ttl < time.Second {
		err = errors.Join(err, errors.New("--ttl: at least 1s"))
	}
	if *channel != "" && !auth.ValidPattern(*channel) {
		err = errors.Join(err, fmt.Errorf("--channel %q is no name of a channel, nor the beginning of one with * behind", *channel))
	}
	if err != nil {
		return e.fail(err, exitUsage)
	}
	if *id == "" {
		*id = rand.Text()
	}
	now := time.Now()
	claims := map[string]any{"iat": now.Unix(), "exp": now.Add(*ttl).Unix(), "jti": *id}
	for name, value := range map[string]string{"sub": *user, "iss": cmp.Or(*issuer, key.section.Issuer), "aud": cmp.Or(*audience, key.section.Audience), "channel": *channel} {
		if value != "" {
			claims[name] = value
		}
	}
	if len(channels.values) > 0 {
		claims["channels"] = channels.values
	}
	if len(grants) > 0 {
		claims["grants"] = grants
	}
	made, err := signing.Sign(claims)
	if err != nil {
		return e.fail(err, exitFailure)
	}
	fmt.Fprintln(e.stdout, made)
	return exitOK
}

func addGrant(grants *[]map[string]any, s string) error {
	pattern, words, ok := strings.Cut(s, "=")
	if !ok || !auth.ValidPattern(pattern) {
		return errors.New("want CHANNEL=ACTION,ACTION")
	}
	allow := strings.Split(words, ",")
	for _, word := range allow {
		if _, known := auth.ParseAction(word); !known {
			return fmt.Errorf("%q is no action: want subscribe, publish, presence or history", word)
		}
	}
	*grants = append(*grants, map[string]any{"channel": pattern, "allow": allow})
	return nil
}

// keyFlags name a key in a file.
type keyFlags struct {
	secretFile, keyFile, algorithm, id, config string

	section auth.Config // of the configuration file that signing has read
}

func addKey(flags *flag.FlagSet, what, kind string) *keyFlags {
	k := &keyFlags{}
	flags.StringVar(&k.secretFile, "secret-file", "", what+" with the secret in `file` (HS256, HS384, HS512)")
	flags.StringVar(&k.keyFile, "key-file", "", what+" with the "+kind+" in `file` (PEM; RS256 and so on, ES256, ES384, EdDSA)")
	flags.StringVar(&k.algorithm, "algorithm", "", "`name` of the algorithm (default: HS256 with --secret-file, EdDSA with --key-file)")
	flags.StringVar(&k.id, "key-id", "", "`id` of the key, kid (default: none)")
	flags.StringVar(&k.config, "config", "", what+" as the section auth of the configuration in `file` says")
	return k
}

// read returns the content of the one file that is named, and the algorithm.
func (k *keyFlags) read() (secret, pem []byte, algorithm string, err error) {
	switch {
	case (k.secretFile == "") == (k.keyFile == ""):
		return nil, nil, "", errors.New("give either --secret-file or --key-file, or --config")
	case k.secretFile != "":
		algorithm = "HS256"
		secret, err = readSecret(k.secretFile)
	default:
		algorithm = "EdDSA"
		pem, err = readSecret(k.keyFile)
	}
	if k.algorithm != "" {
		algorithm = k.algorithm
	}
	return secret, pem, algorithm, err
}

// signing makes the key to sign with, once it is sure that what it signs can be verified.
func (k *keyFlags) signing() (*auth.SigningKey, error) {
	switch section, key, err := k.fromFile(); {
	case err != nil:
		return nil, err
	case key != nil:
		k.section = *section
		return &auth.SigningKey{ID: key.ID, Algorithm: key.Algorithm, Secret: key.Secret}, nil
	}
	secret, pem, algorithm, err := k.read()
	if err != nil {
		return nil, err
	}
	s := &auth.SigningKey{ID: k.id, Algorithm: algorithm, Secret: secret, PrivateKeyPEM: string(pem)}
	public, err := s.Public()
	if err != nil {
		return nil, err
	}
	return s, auth.Config{Keys: []auth.Key{public}}.Check()
}

// explainToken is the command token explain. The token comes as the last argument. What stands on a
// command line can be seen by others on the machine, so that its life should be short.
func explainToken(e *environment, args []string) int {
	flags := newFlags(e, "token explain",
		"token explain TOKEN tells what is in a token, and with a key whether a server that has this key lets it in, or why not.",
		"wsedge token explain --secret-file secret \"$TOKEN\"")
	key := addKey(flags, "verify", "public key")
	issuer := flags.String("issuer", "", "`name` that the issuer must have (default: any)")
	audience := flags.String("audience", "", "`name` that the token must be for (default: it must be for none)")
	given := ""
	if n := len(args); n > 0 && !strings.HasPrefix(args[n-1], "-") && strings.Count(args[n-1], ".") == 2 {
		given, args = args[n-1], slices.Clone(args[:n-1])
	}
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	if given == "" {
		return e.fail(errors.New("want a token, three parts with dots between, behind the flags"), exitUsage)
	}
	var verifier *auth.Auth
	switch {
	case key.config != "" && key.secretFile == "" && key.keyFile == "":
		section, err := readAuth(key.config)
		if err == nil {
			verifier, err = auth.New(*section, time.Now)
		}
		if err != nil {
			return e.fail(err, exitUsage)
		}
	case key.secretFile != "" || key.keyFile != "":
		secret, pem, algorithm, err := key.read()
		if err == nil {
			public := auth.Key{ID: key.id, Algorithm: algorithm, Secret: secret, PublicKeyPEM: string(pem)}
			verifier, err = auth.New(auth.Config{Keys: []auth.Key{public}, Issuer: *issuer, Audience: *audience}, time.Now)
		}
		if err != nil {
			return e.fail(err, exitUsage)
		}
	}
	return tellToken(e.stdout, auth.Explain(verifier, given), verifier != nil)
}

// tellToken writes what is known. Bad tokens give the status of a failure.
func tellToken(w io.Writer, x auth.Explanation, verified bool) int {
	if x.Algorithm != "" {
		fmt.Fprintf(w, "algorithm  %q\nkey id     %q\n", x.Algorithm, x.KeyID)
	}
	if x.Claims != nil {
		var members map[string]json.RawMessage
		_ = json.Unmarshal(x.Claims, &members) // Explain has read it
		for _, name := range slices.Sorted(maps.Keys(members)) {
			fmt.Fprintf(w, "claim      %q: %s\n", name, harmless(members[name]))
		}
	}
	if t, ok := x.Expiry(); ok {
		fmt.Fprintf(w, "expires    %s\n", t.UTC().Format(time.RFC3339))
	}
	switch {
	case x.Err != nil:
		fmt.Fprintf(w, "refused    %v\n", x.Err)
		return exitFailure
	case !verified:
		fmt.Fprintln(w, "not verified: give --secret-file or --key-file")
	case x.Subscription:
		fmt.Fprintln(w, "valid, for subscribe")
	default:
		fmt.Fprintln(w, "valid, to connect")
	}
	return exitOK
}

// harmless takes what a terminal might act on out of a text that somebody else has made.
func harmless(text []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, string(text))
}
