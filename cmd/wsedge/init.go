package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wsedge/wsedge/internal/config"
	"github.com/wsedge/wsedge/internal/ticket"
)

// secretBytes is how much randomness a fresh secret has: what HS256 wants (RFC 7518, section 3.2).
const secretBytes = 32

// initialize is the command init.
func initialize(e *environment, args []string) int {
	flags := newFlags(e, "init",
		"init writes a configuration file to begin with: every option, explained, and fresh secrets. It never overwrites a file.",
		"wsedge init")
	var file string
	addConfig(flags, &file, "wsedge.yaml")
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	err := writeNew(file, config.Sample(map[string]string{
		"auth.keys[].algorithm":        "HS256",
		"auth.keys[].secret":           newSecret(),
		"auth.api_keys[].name":         "backend",
		"auth.api_keys[].secret":       newSecret(),
		"auth.api_keys[].scopes":       "[all]",
		"tickets.keys":                 `["` + ticket.NewKey().String() + `"]`,
		"namespaces.default.subscribe": "authenticated",
	}))
	switch {
	case errors.Is(err, fs.ErrExist):
		return e.fail(fmt.Errorf("%s exists already; init does not overwrite", file), exitFailure)
	case err != nil:
		return e.fail(err, exitFailure)
	}
	fmt.Fprintf(e.stdout, "wrote %[1]s, which holds secrets: keep it from others\n\nNext:\n\n  wsedge check --config %[1]s\n  wsedge serve --config %[1]s\n"+
		"  wsedge token --config %[1]s --user ann\n", file)
	return exitOK
}

// newSecret makes a secret, as YAML writes a text that must stay one.
func newSecret() string {
	var random [secretBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	return `"` + base64.RawURLEncoding.EncodeToString(random[:]) + `"`
}

// writeNew writes a file that only its owner may read, and that was not there before.
func writeNew(name string, text []byte) error {
	const owner = 0o600
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, owner)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
