package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Why a request failed, as metrics and the log have it.
const (
	failTimeout  = "timeout"   // no answer in time
	failAddress  = "address"   // the name leads where requests must not go
	failNetwork  = "network"   // no connection, or it broke
	failRedirect = "redirect"  // the backend sends us elsewhere
	failStatus   = "status"    // 5xx, or too many requests
	failRejected = "rejected"  // 4xx: the backend does not like this request
	failTooLarge = "too_large" // more than maxAnswerBytes
	failAnswer   = "answer"    // not such an object as was asked for
	failFull     = "queue_full"
	failCircuit  = "circuit_open"
	failClosed   = "closed"
)

// failure is a request that failed.
type failure struct {
	reason string
	err    error // nil where the reason says it all
}

// answered tells whether the backend is there, and works: it is this request that went wrong. Who can have the backend answer so, by
// what they publish say, must not be able to have it left alone.
func (f *failure) answered() bool {
	return f == nil || f.reason == failRejected || f.reason == failRedirect || f.reason == failTooLarge || f.reason == failAnswer
}

func (f *failure) Error() string {
	if f.err == nil {
		return f.reason
	}
	return f.reason + ": " + f.err.Error()
}

// sender makes requests.
type sender struct {
	url    string
	secret []byte
	client *http.Client
}

// maxHeaderBytes bounds the head of an answer.
const maxHeaderBytes = 16 << 10

func newSender(cfg *Config) *sender {
	g := &guard{nets: cfg.AllowNets, plain: strings.HasPrefix(strings.ToLower(cfg.URL), "http:")}
	transport := &http.Transport{
		Proxy:                  nil, // it would do the dialling, and so what the guard forbids
		DialContext:            g.dialer(cfg.resolver).DialContext,
		TLSClientConfig:        cfg.TLS.Clone(),
		DisableCompression:     true, // an answer is as large as it looks
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        cfg.Concurrency + 1, // and one to tell
		MaxIdleConnsPerHost:    cfg.Concurrency + 1,
		IdleConnTimeout:        30 * time.Second,
	}
	return &sender{url: cfg.URL, secret: cfg.Secret, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newID makes the id of a request.
func newID() string { return "msg_" + rand.Text() }

// post makes one attempt, and returns the answer's body. traceparent is that of W3C Trace Context, "" for none.
func (s *sender) post(ctx context.Context, id, traceparent string, body []byte) ([]byte, *failure) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, &failure{failNetwork, err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "wsedge")
	if traceparent != "" {
		r.Header.Set("traceparent", traceparent)
	}
	// The transport may try again where the backend has closed a connection at rest just when this request came: it carries the same
	// id then. No value: the header itself is not sent.
	r.Header["Idempotency-Key"] = nil
	sign(r.Header, s.secret, id, time.Now(), body)
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, networkFailure(ctx, err)
	}
	defer answer.Body.Close()
	switch {
	case 300 <= answer.StatusCode && answer.StatusCode < 400:
		return nil, &failure{failRedirect, nil}
	case 400 <= answer.StatusCode && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
		return nil, &failure{failRejected, errors.New(statusText(answer))}
	case answer.StatusCode < 200 || answer.StatusCode >= 300:
		return nil, &failure{failStatus, errors.New(statusText(answer))}
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, networkFailure(ctx, err)
	}
	if len(text) > maxAnswerBytes {
		return nil, &failure{failTooLarge, nil}
	}
	return text, nil
}

// statusText is the status for the log. What the backend says about it has no bound of its own.
func statusText(answer *http.Response) string { return answer.Status[:min(len(answer.Status), 64)] }

func networkFailure(ctx context.Context, err error) *failure {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err // without the URL, which may hold a secret
	}
	var timeout net.Error
	switch {
	case errors.Is(err, errAddress):
		return &failure{failAddress, err}
	case errors.Is(ctx.Err(), context.Canceled):
		return &failure{failClosed, nil}
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return &failure{failTimeout, nil}
	default:
		return &failure{failNetwork, err}
	}
}

func (s *sender) close() { s.client.CloseIdleConnections() }
