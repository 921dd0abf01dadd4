package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/client"
)

// apiCommands ask a server, by its HTTP API or as a subscriber.
var apiCommands = []command{
	{"publish", "publish to a channel", publish, false},
	{"broadcast", "publish the same to several channels", broadcast, false},
	{"tail", "print what is published, as it comes", tail, false},
	{"history", "print what a channel keeps", history, false},
	{"presence", "say who is subscribed to a channel", presence, false},
	{"channels", "list the channels that are open", channels, false},
	{"info", "say which node this is, and how many are connected", info, false},
	{"why", "say why a client was closed", why, false},
	{"subscribe", "subscribe clients to channels", subscribe, false},
	{"unsubscribe", "end clients' subscriptions", unsubscribe, false},
	{"disconnect", "close clients' connections", disconnect, false},
	{"revoke", "refuse the tokens of a user, or one of them", revoke, false},
}

// apiKeyVariable has the API key itself, and not the name of a file. A command line shows to everybody on the machine, the environment does not.
const apiKeyVariable = "WSEDGE_API_KEY"

// apiFlags say which server to ask, and as whom.
type apiFlags struct {
	server, keyFile, config   string
	ca, clientCert, clientKey string
	timeout                   time.Duration
	json                      bool
	scope                     auth.Scope   // of the command
	configured                *localServer // what --config says
}

func addAPI(flags *flag.FlagSet, scope auth.Scope) *apiFlags {
	f := &apiFlags{scope: scope}
	flags.StringVar(&f.server, "server", "", "`address` of the server: http://HOST:PORT, https://HOST:PORT or unix:PATH (default: what --config says, or else "+client.DefaultServer+")")
	flags.StringVar(&f.keyFile, "api-key-file", "", "present the API key in `file` (default: the one in "+apiKeyVariable+", or the first of --config that is good for it); a key never stands on a command line, where everybody on the machine can read it")
	flags.StringVar(&f.config, "config", "", "take address and key from the configuration `file` of a server on this machine")
	flags.StringVar(&f.ca, "ca", "", "for https, trust the certificates in `file` (PEM) instead of the system's")
	flags.StringVar(&f.clientCert, "client-cert", "", "for https, present the certificate in `file` (PEM), to servers with --tls-client-ca")
	flags.StringVar(&f.clientKey, "client-key", "", "`file` with the key of --client-cert (PEM)")
	flags.DurationVar(&f.timeout, "timeout", client.DefaultTimeout, "how long to wait for an answer")
	flags.BoolVar(&f.json, "json", false, "print answers as the server gave them, one JSON object a line")
	return f
}

// open makes the client. All that is wrong is reported together.
func (f *apiFlags) open(e *environment) (*client.Client, error) {
	cfg := client.Config{Server: f.server, Timeout: f.timeout, Proxy: http.ProxyFromEnvironment}
	var problems []error
	if f.timeout <= 0 {
		problems = append(problems, errors.New("--timeout: want more than 0"))
	}
	if f.config != "" {
		var err error
		if f.configured, err = readLocalServer(e, f.config); err != nil {
			return nil, err
		}
		if cfg.Server == "" {
			cfg.Server, cfg.TLS = f.configured.address, f.configured.tls
			problems = append(problems, f.configured.problem)
		}
	}
	key, err := f.key(e)
	problems = append(problems, err)
	if f.ca != "" || f.clientCert != "" || f.clientKey != "" {
		cfg.TLS, err = f.tls(cmp.Or(cfg.TLS, new(tls.Config)))
		problems = append(problems, err)
	}
	cfg.Key = key
	c, err := client.New(cfg)
	return c, errors.Join(append(problems, err)...)
}

// key finds the API key: in the file, in the environment, in the configuration. "": there is none, as in development mode.
func (f *apiFlags) key(e *environment) (string, error) {
	if f.keyFile != "" {
		secret, err := readSecret(f.keyFile)
		if err == nil && len(secret) == 0 {
			err = fmt.Errorf("%s is empty", f.keyFile)
		}
		if err != nil {
			return "", fmt.Errorf("--api-key-file: %w", err)
		}
		return string(secret), nil
	}
	if secret, ok := e.lookup(apiKeyVariable); ok && secret != "" {
		return secret, nil
	}
	if f.configured != nil {
		return usableKey(f.configured.auth, f.scope), nil
	}
	return "", nil
}

// tls is config with what the flags say.
func (f *apiFlags) tls(config *tls.Config) (*tls.Config, error) {
	var problems []error
	if f.ca != "" {
		pool, err := certificatesIn(f.ca)
		if err != nil {
			problems = append(problems, fmt.Errorf("--ca: %w", err))
		}
		config.RootCAs = pool
	}
	switch {
	case (f.clientCert == "") != (f.clientKey == ""):
		problems = append(problems, errors.New("--client-cert and --client-key need each other"))
	case f.clientCert != "":
		pair, err := tls.LoadX509KeyPair(f.clientCert, f.clientKey)
		if err != nil {
			problems = append(problems, fmt.Errorf("--client-cert: %w", err))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, errors.Join(problems...)
}

// call asks for a method of the API and has tell print the answer, but with --json.
func (f *apiFlags) call(e *environment, method string, params *client.Params, tell func(answer []byte) error) int {
	return f.exchange(e, method, params, func(answer []byte) error { return f.print(e, answer, tell) })
}

// exchange asks for a method of the API and has take deal with the answer.
func (f *apiFlags) exchange(e *environment, method string, params *client.Params, take func(answer []byte) error) int {
	c, err := f.open(e)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	defer c.Close()
	answer, err := c.Call(context.Background(), method, params)
	if err == nil {
		err = take(answer)
	}
	return f.outcome(e, err)
}

// print tells an answer: as it is with --json, otherwise by tell.
func (f *apiFlags) print(e *environment, answer []byte, tell func(answer []byte) error) error {
	if f.json {
		_, err := fmt.Fprintf(e.stdout, "%s\n", answer)
		return err
	}
	return tell(answer)
}

// outcome says what went wrong, if anything, in the server's words, and returns the exit status.
func (f *apiFlags) outcome(e *environment, err error) int {
	if err == nil {
		return exitOK
	}
	text := harmless([]byte(err.Error()))
	if refusal := (*client.Error)(nil); errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized {
		text += "; give it by --api-key-file, " + apiKeyVariable + " or --config"
	}
	return e.fail(errors.New(text), exitFailure)
}
