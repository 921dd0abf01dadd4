package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/config"
)

// readAuth reads the section auth of a configuration file. Where that fetches a key set, the keys in it are not there.
func readAuth(file string) (*auth.Config, error) {
	document, err := readDocument(file)
	if err != nil {
		return nil, invalid(err)
	}
	section, problems := document.Authentication(file, readFile)
	if len(problems) > 0 {
		return nil, invalid(config.Join(problems))
	}
	if section == nil {
		return nil, fmt.Errorf("%s: there is no section auth, so that tokens mean nothing", file)
	}
	section.JWKS = auth.JWKS{}
	return section, nil
}

// fromFile is the key of the configuration file that tokens are made with: the one that --key-id names, or else the first with a secret.
// Nil where flags name another, or there is no file.
func (k *keyFlags) fromFile() (*auth.Config, *auth.Key, error) {
	if k.config == "" || k.secretFile != "" || k.keyFile != "" {
		return nil, nil, nil
	}
	section, err := readAuth(k.config)
	if err != nil {
		return nil, nil, err
	}
	for i := range section.Keys {
		key := &section.Keys[i]
		good := key.ValidUntil.IsZero() || time.Now().Before(key.ValidUntil)
		if len(key.Secret) > 0 && (k.id == key.ID || k.id == "" && good) {
			return section, key, nil
		}
	}
	if k.id != "" {
		return nil, nil, fmt.Errorf("%s: auth.keys has no secret with the id %q", k.config, k.id)
	}
	return nil, nil, errors.New(k.config + ": auth.keys has no secret to make tokens with; name a private key with --key-file")
}
