package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"

	"github.com/wsedge/wsedge/internal/config"
	"github.com/wsedge/wsedge/internal/edge"
)

// reloader reads the configuration file again, and the files that flags name. It belongs to the goroutine that gets the signals.
type reloader struct {
	environment *environment
	args        []string
	server      *edge.Server
	document    *config.Document // what counts; nil: there are flags alone
	logger      *slog.Logger
}

// reload takes over what can be, of a file in which nothing is wrong. Of one with a mistake it takes nothing, and returns false. text is the
// file's, which is read where that is nil.
func (r *reloader) reload(text []byte) bool {
	s, refused, err := r.read(text)
	if err == nil {
		err = r.server.Reconfigure(s.cfg)
	}
	r.server.Reloaded(err)
	if err != nil {
		if err := r.server.ReopenLogs(); err != nil { // they may have been moved away all the same
			r.logger.Error("SIGHUP: logs not opened anew", "error", err)
		}
		for problem := range strings.SplitSeq(err.Error(), "\n") {
			r.logger.Error("SIGHUP: configuration not reloaded, the old one stays", "problem", problem)
		}
		return false
	}
	for _, path := range refused {
		r.logger.Warn("SIGHUP: not changed, that needs a restart", "key", path)
	}
	r.document = s.document
	if s.document == nil {
		r.logger.Info("SIGHUP: files that flags name reloaded")
		return true
	}
	r.logger.Info("SIGHUP: configuration reloaded", "file", s.file)
	return true
}

// namesFiles tells whether flags name files that SIGHUP has read again, those of TLS aside.
func (s *serving) namesFiles() bool {
	return s.access.given() || s.tickets.keysFile != "" || s.hooks.secretFile != ""
}

// readAgain is what serve would work with now, if nothing is wrong with it.
func readAgain(e *environment, args []string) (*serving, error) {
	var said bytes.Buffer
	s, _ := readServing(&environment{&said, &said, e.lookup}, args)
	if s == nil {
		return nil, errors.New(strings.TrimSpace(said.String()))
	}
	_, _, err := s.check(slog.New(slog.DiscardHandler))
	return s, err
}

// read makes out of the file, and of what counts so far, what is to count; refused are the keys that need a restart.
func (r *reloader) read(text []byte) (s *serving, refused []string, err error) {
	if r.document == nil {
		s, err = readAgain(r.environment, r.args)
		return s, nil, err
	}
	first, flags := declareServing(r.environment)
	if err := parse(r.environment, flags, r.args); err != nil {
		return nil, nil, err
	}
	if text == nil {
		if text, err = readFile(first.file); err != nil {
			return nil, nil, err
		}
	}
	document, err := config.Parse(first.file, text, dirOf(first.file))
	if err != nil {
		return nil, nil, err
	}
	if _, err := r.checked(first.file, document); err != nil { // as it stands, so that it will start, too
		return nil, nil, err
	}
	document, refused = document.Reloaded(r.document)
	s, err = r.checked(first.file, document)
	return s, refused, err
}

// checked is what serve would work with, if nothing is wrong with it.
func (r *reloader) checked(file string, document *config.Document) (*serving, error) {
	s, problems, err := configured(r.environment, r.args, file, document)
	if err != nil {
		return nil, err
	}
	s.judge()
	_, err = s.secure.config(r.logger)
	return s, config.Join(append(problems, s.combined(err)...))
}
