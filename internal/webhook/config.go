package webhook

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	minSecretBytes = 16 // 128 bits: fewer can be guessed from one signed request
	maxTimeout     = 10 * time.Second
	maxConcurrency = 1024
	maxHeaders     = 16
)

// Config says whom to ask and tell, and about what. URL, Events and Secret are required.
type Config struct {
	// URL gets all requests. https, or http where AllowNets has all that its host resolves to: a request holds clients'
	// tokens and data.
	URL string
	// Events are what the backend is asked or told about; what is not listed is not asked, and so allowed.
	Events Events
	// Secret signs the requests: HMAC-SHA256, as the Standard Webhooks specification has it. At least 16 bytes; see ParseSecret.
	Secret []byte
	// AllowNets are addresses that the URL's host may resolve to although they are not public, such as 10.0.0.0/8.
	// Danger: whoever controls the host's DNS can then have this server send requests to them.
	AllowNets []netip.Prefix
	// Timeout bounds what is asked, all waiting included, and each attempt at what is told. 10 ms to 10 s. Default 1 s.
	Timeout time.Duration
	// OnFailure says what may happen without a valid answer in time. Default: nothing.
	OnFailure OnFailure
	// Headers are the names of request headers of the client's handshake that connect passes on, such as Cookie. Default: none.
	Headers []string

	// Concurrency bounds the questions that are with the backend at once. Default 32, at most 1024.
	Concurrency int
	// QueueMax and QueueMaxBytes bound the questions under way, those with the backend included; beyond, they fail. Default
	// 4,096, which with the default Concurrency a backend answers in a second if each takes 8 ms, and 16 MiB.
	QueueMax, QueueMaxBytes int
	// TellMax bounds the clients' ends that wait to be told; beyond, they are dropped and counted. Default 65,536: about 10 MiB.
	TellMax int
	// TellFor is how long an attempt to tell is repeated before it is given up. Default 2 min.
	TellFor time.Duration

	// Trace is called before each request. It returns the value of its traceparent, and what is to be called with the reason why it failed, ""
	// for none. nil: requests have no traceparent.
	Trace func(event string) (traceparent string, end func(failure string))
	// TLS verifies an https backend. nil: the system's authorities.
	TLS *tls.Config
	// Logger gets what an operator must know, at most a line for each time that the backend fails or comes back. Default
	// slog.Default().
	Logger *slog.Logger

	resolver *net.Resolver // a test's
}

// Check tells all that is wrong with the configuration.
func (cfg Config) Check() (problems []error) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf("webhook "+format, args...)) }
	if err := checkURL(cfg.URL, cfg.AllowNets); err != nil {
		problem("URL %w", err)
	}
	if len(cfg.Events) == 0 {
		problem("events: none is named")
	}
	if len(cfg.Secret) < minSecretBytes {
		problem("secret: want at least %d bytes", minSecretBytes)
	}
	for _, e := range cfg.OnFailure.Allow {
		if !slices.Contains(deciding, e) {
			problem("policy on failure: %s is told, not asked", e)
		}
	}
	if cfg.Timeout != 0 && (cfg.Timeout < 10*time.Millisecond || cfg.Timeout > maxTimeout) {
		problem("timeout: want 10ms to %v", maxTimeout)
	}
	if cfg.Concurrency < 0 || cfg.Concurrency > maxConcurrency {
		problem("concurrency: want 1 to %d", maxConcurrency)
	}
	if cfg.QueueMax < 0 || cfg.QueueMaxBytes < 0 || cfg.TellMax < 0 || cfg.TellFor < 0 {
		problem("bounds must not be negative")
	}
	if len(cfg.Headers) > maxHeaders {
		problem("headers: more than %d", maxHeaders)
	}
	for _, name := range cfg.Headers {
		if !validHeaderName(name) {
			problem("headers: %q is no name of a header", name)
		}
	}
	return problems
}

// validHeaderName tells whether name is a token (RFC 9110, section 5.1) of a reasonable length.
func validHeaderName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

func (cfg Config) withDefaults() Config {
	setDefault(&cfg.Timeout, time.Second)
	setDefault(&cfg.Concurrency, 32)
	setDefault(&cfg.QueueMax, 4096)
	setDefault(&cfg.QueueMaxBytes, 16<<20)
	setDefault(&cfg.TellMax, 65_536)
	setDefault(&cfg.TellFor, 2*time.Minute)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ParseSecret reads a secret as files and configurations hold it: "whsec_" and base64, as the Standard Webhooks specification
// has it, or any other text as it is, white space around it cut off.
func ParseSecret(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	encoded, ok := strings.CutPrefix(text, "whsec_")
	if !ok {
		if len(text) < minSecretBytes {
			return nil, fmt.Errorf("want at least %d bytes", minSecretBytes)
		}
		return []byte(text), nil
	}
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("what follows whsec_ is no base64")
	}
	if len(secret) < minSecretBytes {
		return nil, fmt.Errorf("want at least %d bytes behind whsec_", minSecretBytes)
	}
	return secret, nil
}
