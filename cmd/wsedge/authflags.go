package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/wsedge/wsedge/internal/auth"
)

// maxSecretFile bounds a file with a secret or a key.
const maxSecretFile = 64 << 10

// authFlags are the flags of authentication, the least there is; a configuration has the rest.
type authFlags struct {
	secretFile, apiKeyFile string
	anonymous              bool
}

func addAuth(flags *flag.FlagSet) *authFlags {
	f := &authFlags{}
	flags.StringVar(&f.secretFile, "auth-secret-file", "",
		"let clients in by tokens (JWT, HS256) that were made with the secret in `file`, at least 32 bytes, see wsedge token; without this and --api-key-file everybody is let in")
	flags.BoolVar(&f.anonymous, "anonymous", false, "let in clients without a token, too")
	flags.StringVar(&f.apiKeyFile, "api-key-file", "",
		"open the HTTP API to who presents the key in `file`, at least 16 characters, and to nobody else")
	return f
}

// given tells whether the flags turn authentication on.
func (f *authFlags) given() bool { return f.secretFile != "" || f.apiKeyFile != "" }

// config reads the files. Without any of the flags it returns nil: everybody is let in. What is wrong is reported without quoting it.
func (f *authFlags) config() (*auth.Config, error) {
	if !f.given() {
		if f.anonymous {
			return nil, errors.New("--anonymous needs --auth-secret-file or --api-key-file: without them everybody is let in")
		}
		return nil, nil
	}
	cfg := &auth.Config{Anonymous: f.anonymous}
	if f.secretFile != "" {
		secret, err := readSecret(f.secretFile)
		if err != nil {
			return nil, fmt.Errorf("--auth-secret-file: %w", err)
		}
		cfg.Keys = []auth.Key{{Algorithm: "HS256", Secret: secret}}
	}
	if f.apiKeyFile != "" {
		secret, err := readSecret(f.apiKeyFile)
		if err != nil {
			return nil, fmt.Errorf("--api-key-file: %w", err)
		}
		cfg.APIKeys = []auth.APIKey{{Name: "default", Secret: string(secret), Scopes: []auth.Scope{auth.ScopeAll}}}
	}
	return cfg, nil
}

// over is what the flags say and, where they say nothing, the section of a configuration file; nil: everybody is let in.
func (f *authFlags) over(section *auth.Config) (*auth.Config, error) {
	if section == nil {
		return f.config()
	}
	section.Anonymous = f.anonymous // by default what the section says
	if !f.given() {
		return section, nil
	}
	own, err := f.config()
	if err != nil {
		return nil, err
	}
	if f.secretFile != "" {
		section.Keys = own.Keys
	}
	if f.apiKeyFile != "" {
		section.APIKeys = own.APIKeys
	}
	return section, nil
}

// readSecret reads a file, and takes off the line break that editors leave at its end.
func readSecret(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSecretFile {
		return nil, fmt.Errorf("%s is larger than 64 KiB", name)
	}
	return bytes.TrimRight(text, "\r\n"), nil
}
