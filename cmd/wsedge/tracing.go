package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"time"

	"github.com/wsedge/wsedge/internal/tracing"
)

// tracingGrace is how long what is traced may take to go out, after the server has ended.
const tracingGrace = 5 * time.Second

// tracingFlags are the flags of tracing.
type tracingFlags struct {
	cfg         tracing.Config
	headersFile string
}

// addTracing declares --tracing and what belongs to it.
func addTracing(flags *flag.FlagSet) *tracingFlags {
	f := &tracingFlags{}
	flags.StringVar(&f.cfg.URL, "tracing", "", "`URL` of an OTLP receiver (HTTP) that gets spans of what is published by the API, such as http://127.0.0.1:4318")
	flags.Float64Var(&f.cfg.Ratio, "tracing-ratio", 0.01, "the share of requests that are traced, 0 to 1; those that bring a traceparent are where that says so")
	flags.StringVar(&f.headersFile, "tracing-headers-file", "", "`file` with headers for the receiver, one on a line, such as Authorization: Bearer and a token")
	return f
}

// config is the configuration; nil: no tracing.
func (f *tracingFlags) config() (*tracing.Config, error) {
	if f.cfg.URL == "" {
		if f.headersFile != "" {
			return nil, errors.New("--tracing-headers-file needs --tracing")
		}
		return nil, nil
	}
	cfg := f.cfg
	problems := cfg.Check()
	if f.headersFile != "" {
		text, err := readSecret(f.headersFile)
		if err == nil {
			cfg.Headers, err = tracing.ParseHeaders(string(text))
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("--tracing-headers-file: %s: %w", f.headersFile, err))
		}
	}
	return &cfg, errors.Join(problems...)
}

// tracer makes the tracer, nil where there is none; end ends it, once the server has ended. The configuration has passed its check.
func (f *tracingFlags) tracer(logger *slog.Logger) (tracer *tracing.Tracer, end func(), err error) {
	cfg, err := f.config()
	if cfg == nil || err != nil {
		return nil, func() {}, err
	}
	cfg.Version, cfg.Logger = version(), logger
	if tracer, err = tracing.New(*cfg); err != nil {
		return nil, func() {}, err
	}
	return tracer, func() {
		ctx, cancel := context.WithTimeout(context.Background(), tracingGrace)
		defer cancel()
		tracer.Close(ctx)
	}, nil
}
