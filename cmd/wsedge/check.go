package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/wsedge/wsedge/internal/config"
)

// check is the command check.
func check(e *environment, args []string) int {
	flags := newFlags(e, "check",
		"check reads a configuration file as serve would, reports all that is wrong with it, and says what is notable. It exits with 1 if anything is wrong.",
		"wsedge check --config wsedge.yaml")
	var file string
	addConfig(flags, &file, "wsedge.yaml")
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	document, err := readDocument(file)
	if err != nil {
		fmt.Fprintln(e.stderr, err)
		return exitFailure
	}
	s, problems, err := configured(e, nil, file, document)
	if err != nil {
		return exitFailure
	}
	certificates, err := s.secure.config(slog.New(slog.DiscardHandler))
	s.judge()
	problems = append(problems, s.combined(err)...)
	if certificates != nil {
		if _, err := s.secure.open(certificates); err != nil {
			problems = append(problems, document.Problem(file, "tls", err.Error()))
		}
	}
	if err := config.Join(problems); err != nil {
		fmt.Fprintln(e.stderr, err)
		return exitFailure
	}
	fmt.Fprintf(e.stdout, "%s: in order\n", file)
	for _, note := range s.notes() {
		fmt.Fprintln(e.stdout, document.Problem(file, note.Path, "note: "+note.What))
	}
	return exitOK
}

// notes are what is notable: what the document knows of, what its files' modes say, and what is open or closed as a whole.
func (s *serving) notes() []config.Note {
	notes := s.document.Notes()
	if s.cfg.Auth == nil {
		notes = append(notes, config.Note{Path: "auth", What: "no authentication: every client is anonymous, and whoever reaches the address may publish by the API"})
	} else {
		if len(s.cfg.Auth.APIKeys) == 0 {
			notes = append(notes, config.Note{Path: "auth.api_keys", What: "there is none, so the API is closed"})
		}
		if len(s.cfg.Auth.Keys) == 0 && s.cfg.Auth.JWKS.URL == "" && !s.cfg.Auth.Anonymous {
			notes = append(notes, config.Note{Path: "auth.keys", What: "there is none, and no jwks, so no client is let in"})
		}
	}
	files := s.document.SecretFiles()
	if s.document.HasSecrets() {
		files = append(files, s.file)
	}
	for _, name := range files {
		const others = 0o007
		if about, err := os.Stat(name); err == nil && about.Mode().Perm()&others != 0 {
			notes = append(notes, config.Note{What: fmt.Sprintf("%s holds a secret, and everybody on this machine may read or write it (mode %#o)", name, about.Mode().Perm())})
		}
	}
	return notes
}
