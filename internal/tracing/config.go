package tracing

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// defaultPath is where an OTLP receiver takes traces over HTTP (OTLP specification 1.x, section "OTLP/HTTP Request").
const defaultPath = "/v1/traces"

// Config says where spans go, and which are made. URL is required.
type Config struct {
	// URL is that of the OTLP receiver, http or https. Without a path: /v1/traces.
	URL string
	// Ratio is the share of traces that are recorded, 0 to 1. Requests that bring a traceparent are recorded where that says so, whatever
	// the ratio is.
	Ratio float64
	// Headers go with all that is sent, such as Authorization.
	Headers map[string]string
	// Version is that of the server.
	Version string
	// QueueMax bounds the spans that wait to be sent; beyond, they are dropped. Default 4,096: about 4 MiB.
	QueueMax int
	// Logger gets a line when spans begin to be lost, and when they go out again. Default slog.Default().
	Logger *slog.Logger
}

// Check tells all that is wrong with the configuration.
func (cfg Config) Check() (problems []error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "": // the error would quote the URL, and what it may hold
		problems = append(problems, errors.New("tracing URL: want http://host:port or https://host:port"))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		problems = append(problems, errors.New("tracing URL: no user, query or fragment can be in it; secrets go into headers"))
	}
	if !(cfg.Ratio >= 0 && cfg.Ratio <= 1) { // NaN is neither
		problems = append(problems, fmt.Errorf("tracing ratio %v: want 0 to 1", cfg.Ratio))
	}
	if cfg.QueueMax < 0 {
		problems = append(problems, errors.New("tracing queue: must not be negative"))
	}
	return problems
}

// endpoint is the URL with its path. It has passed Check.
func (cfg Config) endpoint() string {
	u, _ := url.Parse(cfg.URL)
	if u.Path == "" || u.Path == "/" {
		u.Path = defaultPath
	}
	return u.String()
}

// maxHeaders bounds the headers of a file.
const maxHeaders = 32

// ParseHeaders reads headers, one on a line: a name, a colon, a value. Empty lines, and those that begin with #, are comments. Errors
// quote no values.
func ParseHeaders(text string) (map[string]string, error) {
	headers := make(map[string]string)
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		_, twice := headers[name]
		switch {
		case !ok || value == "" || !validHeader(name, value):
			return nil, fmt.Errorf("line %d: want a header's name, a colon and a value", number)
		case twice:
			return nil, fmt.Errorf("line %d: the header stands twice", number)
		case len(headers) == maxHeaders:
			return nil, fmt.Errorf("more than %d headers", maxHeaders)
		}
		headers[name] = value
	}
	return headers, nil
}

// validHeader tells whether a header can be sent: its name is a token, and there are no control characters in its value (RFC 9110, section 5).
func validHeader(name, value string) bool {
	for _, r := range name {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r) {
			return false
		}
	}
	return name != "" && name != http.CanonicalHeaderKey("Content-Type") && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}
