package config

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

// Auth is the section auth: see auth.Config. Secrets and keys stand in it, or in files that it names.
type Auth struct {
	Keys           []AuthKey
	JWKS           JWKS
	Issuer         string
	Audience       string
	Leeway         time.Duration
	MaxTTL         time.Duration
	Anonymous      bool
	ConnectTimeout time.Duration
	RefreshWindow  time.Duration
	APIKeys        []APIKey
}

// AuthKey is a member of auth.keys.
type AuthKey struct {
	ID            string
	Algorithm     string
	Secret        string
	SecretFile    string
	PublicKey     string
	PublicKeyFile string
	ValidUntil    time.Time
}

// JWKS is the section auth.jwks.
type JWKS struct {
	URL              string
	CertificatesFile string
	AllowPrivate     bool
	Interval         time.Duration
	MaxStale         time.Duration
}

// APIKey is a member of auth.api_keys.
type APIKey struct {
	Name       string
	Secret     string
	SecretFile string
	SHA256     string
	Scopes     []string
	Channels   []string
	Rate       int
}

// authReader makes an auth.Config of the section.
type authReader struct {
	document *Document
	file     string
	read     func(name string) ([]byte, error)
	problems []*Problem
}

// Authentication is what the section auth says, with what is in the files that it names; nil where there is no such section, which
// is no authentication. read reads a file. All that is wrong is reported together; file is what problems call the configuration.
func (d *Document) Authentication(file string, read func(name string) ([]byte, error)) (*auth.Config, []*Problem) {
	if !d.Has("auth") {
		return nil, nil
	}
	r := &authReader{document: d, file: file, read: read}
	a := &d.Auth
	cfg := &auth.Config{
		Issuer: a.Issuer, Audience: a.Audience, Leeway: a.Leeway, MaxTTL: a.MaxTTL,
		Anonymous: a.Anonymous, ConnectTimeout: a.ConnectTimeout, RefreshWindow: a.RefreshWindow,
		JWKS: auth.JWKS{
			URL: a.JWKS.URL, AllowPrivate: a.JWKS.AllowPrivate, Interval: a.JWKS.Interval, MaxStale: a.JWKS.MaxStale,
			CertificatesPEM: r.content("auth.jwks.certificates_file", a.JWKS.CertificatesFile),
		},
	}
	for i := range a.Keys {
		key := r.key(fmt.Sprintf("auth.keys[%d]", i), &a.Keys[i])
		cfg.Keys = append(cfg.Keys, key)
	}
	for i := range a.APIKeys {
		key := r.apiKey(fmt.Sprintf("auth.api_keys[%d]", i), &a.APIKeys[i])
		cfg.APIKeys = append(cfg.APIKeys, key)
	}
	if len(r.problems) == 0 { // else it would tell the same once more
		r.check("auth", *cfg)
	}
	return cfg, r.problems
}

func (r *authReader) key(path string, k *AuthKey) auth.Key {
	before := len(r.problems)
	key := auth.Key{
		ID: k.ID, Algorithm: k.Algorithm, ValidUntil: k.ValidUntil,
		Secret:       []byte(r.oneOf(path, "secret", k.Secret, k.SecretFile)),
		PublicKeyPEM: r.oneOf(path, "public_key", k.PublicKey, k.PublicKeyFile),
	}
	if len(r.problems) == before {
		r.check(path, auth.Config{Keys: []auth.Key{key}})
	}
	return key
}

func (r *authReader) apiKey(path string, k *APIKey) auth.APIKey {
	before := len(r.problems)
	key := auth.APIKey{Name: k.Name, Secret: r.oneOf(path, "secret", k.Secret, k.SecretFile), SHA256: k.SHA256, Channels: k.Channels, Rate: k.Rate}
	for _, scope := range k.Scopes {
		key.Scopes = append(key.Scopes, auth.Scope(scope))
	}
	if len(r.problems) == before {
		r.check(path, auth.Config{APIKeys: []auth.APIKey{key}})
	}
	return key
}

// oneOf is what stands in the file itself, or in the one that it names: not both.
func (r *authReader) oneOf(path, key, inline, file string) string {
	if inline != "" && file != "" {
		r.wrong(path, "%s and %s_file: want one of them", key, key)
		return ""
	}
	if file == "" {
		return inline
	}
	return r.content(path+"."+key+"_file", file)
}

// content is that of a file, without the line ends behind it; "" of none. A secret may end in other space, as wsedge token reads it.
func (r *authReader) content(path, name string) string {
	if name == "" {
		return ""
	}
	text, err := r.read(name)
	if err != nil {
		r.wrong(path, "%v", err)
		return ""
	}
	if text = bytes.TrimRight(text, "\r\n"); len(bytes.TrimSpace(text)) == 0 {
		r.wrong(path, "%s is empty", name)
	}
	return string(text)
}

// check reports what is wrong with a configuration that consists of what stands at the path.
func (r *authReader) check(path string, cfg auth.Config) {
	err := cfg.Check()
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(strings.TrimPrefix(err.Error(), auth.ErrConfig.Error()+": "), "\n") {
		r.wrong(path, "%s", line)
	}
}

func (r *authReader) wrong(path, format string, args ...any) {
	r.problems = append(r.problems, r.document.Problem(r.file, path, fmt.Errorf(format, args...).Error()))
}
