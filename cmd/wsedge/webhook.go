package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"

	"github.com/wsedge/wsedge/internal/webhook"
)

// webhookFlags are the flags of webhooks.
type webhookFlags struct {
	cfg        webhook.Config
	secretFile string
	headers    list
	nets       list
}

// addWebhook declares --webhook and what belongs to it.
func addWebhook(flags *flag.FlagSet) *webhookFlags {
	f := &webhookFlags{cfg: webhook.Config{Events: webhook.Events{webhook.Connect, webhook.Disconnect}}}
	flags.StringVar(&f.cfg.URL, "webhook", "", "`URL` of a backend that decides what clients may do, or is told; see docs/OPERATING.md")
	flags.TextVar(&f.cfg.Events, "webhook-events", f.cfg.Events, "`events` that the backend is asked or told about: connect, subscribe, publish, disconnect")
	flags.StringVar(&f.secretFile, "webhook-secret-file", "", "`file` with the secret that requests are signed with: whsec_ and base64, or any text of at least 16 bytes")
	flags.DurationVar(&f.cfg.Timeout, "webhook-timeout", 0, "how long a client waits for the backend's decision, 10ms to 10s (default 1s)")
	flags.TextVar(&f.cfg.OnFailure, "webhook-on-failure", f.cfg.OnFailure,
		"`policy` where the backend does not decide in time: deny, allow, or by event, such as publish=allow,connect=deny")
	flags.Var(&f.nets, "webhook-allow-net",
		"`networks` that the backend may be in although they are not public, such as 127.0.0.0/8,10.1.0.0/16; whoever controls its name's DNS can have requests sent there")
	flags.Var(&f.headers, "webhook-headers", "`names` of handshake headers that connect passes on to the backend, such as Cookie")
	return f
}

// config is the configuration; nil: no webhooks.
func (f *webhookFlags) config() (*webhook.Config, error) {
	if f.cfg.URL == "" {
		if f.secretFile != "" {
			return nil, errors.New("--webhook-secret-file needs --webhook")
		}
		return nil, nil
	}
	cfg := f.cfg
	cfg.Headers = slices.Clone(f.headers.values)
	var problems []error
	for _, text := range f.nets.values {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix != prefix.Masked() {
			problems = append(problems, fmt.Errorf("--webhook-allow-net %q: want a network such as 10.1.0.0/16", text))
			continue
		}
		cfg.AllowNets = append(cfg.AllowNets, prefix)
	}
	if f.secretFile == "" {
		problems = append(problems, errors.New("--webhook needs --webhook-secret-file: without a signature anybody could ask the backend"))
	} else if secret, err := readWebhookSecret(f.secretFile); err != nil {
		problems = append(problems, fmt.Errorf("--webhook-secret-file: %w", err))
	} else {
		cfg.Secret = secret
	}
	return &cfg, errors.Join(problems...)
}

// readWebhookSecret reads a secret. Errors do not show it.
func readWebhookSecret(path string) ([]byte, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	secret, err := webhook.ParseSecret(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secret, nil
}
