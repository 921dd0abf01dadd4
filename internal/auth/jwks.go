package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// fetchTimeout and maxSetBytes bound one fetch.
	fetchTimeout = 2 * time.Second
	maxSetBytes  = 256 << 10
	// fetchPause is the least time between two fetches: a flood of unknown keys costs the issuer one request in it, and whoever comes
	// with a key that was not found then is refused, but may come again: Error.Later.
	fetchPause = 30 * time.Second
	// firstPause is that while no key has ever come, or those we had are too old.
	firstPause = 5 * time.Second
	// maxWaiting bounds the tokens that wait for a fetch: at most 8 KiB each.
	maxWaiting = 4096
)

// remoteKeys are the keys of an issuer's key set. Safe from any goroutine.
type remoteKeys struct {
	// Immutable.
	config JWKS
	client *http.Client
	now    func() time.Time
	wake   chan struct{} // has room for one

	current atomic.Pointer[fetched]

	fetches, failures atomic.Int64
	failed            atomic.Bool // the last fetch

	// Guarded by mu.
	mu       sync.Mutex
	fetching bool      // or about to
	last     time.Time // when the last fetch began
	waiting  []func()  // to be called when it has ended
	closed   bool
}

// fetched is a key set as it came. Immutable.
type fetched struct {
	ring keyRing
	at   time.Time
}

// newRemoteKeys checks where the keys are to come from. The address is fixed: nothing of a token ever goes into it.
func newRemoteKeys(config JWKS, now func() time.Time) (*remoteKeys, error) {
	u, err := url.Parse(config.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("JWKS URL: want https://host/path, without a user and a fragment")
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if config.CertificatesPEM != "" {
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM([]byte(config.CertificatesPEM)) {
			return nil, errors.New("JWKS certificates: there is none in PEM")
		}
	}
	return &remoteKeys{config: config, now: now, wake: make(chan struct{}, 1), client: &http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, DialContext: guardedDialer(fetchTimeout, config.AllowPrivate).DialContext, TLSClientConfig: secure,
			DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10,
		},
	}}, nil
}

// ring are the keys, nil where there are none that may still be used.
func (r *remoteKeys) ring() keyRing {
	c := r.current.Load()
	if c == nil || r.now().Sub(c.at) > r.config.MaxStale {
		return nil
	}
	return c.ring
}

// request has the keys fetched, and then, unless that is nil, called from another goroutine. It tells whether it will: not within the pause, and not
// for too many at a time.
func (r *remoteKeys) request(then func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.waiting) >= maxWaiting {
		return false
	}
	if since := r.now().Sub(r.last); !r.fetching && !r.last.IsZero() && 0 <= since && since < r.pause() {
		return false
	}
	if !r.fetching {
		r.fetching = true
		r.wake <- struct{}{} // has room: whoever sets fetching sends, and run takes it before it sets it back
	}
	if then != nil {
		r.waiting = append(r.waiting, then)
	}
	return true
}

func (r *remoteKeys) pause() time.Duration {
	if r.ring() == nil {
		return firstPause
	}
	return fetchPause
}

// run fetches at once, then regularly and when asked to, until ctx ends. report gets each failure.
func (r *remoteKeys) run(ctx context.Context, report func(error)) {
	for r.begin() {
		err := r.fetch(ctx)
		r.failed.Store(err != nil)
		if err != nil && ctx.Err() == nil {
			report(err)
		}
		r.end(false)
		pause := r.config.Interval
		if err != nil {
			pause = r.pause()
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			r.end(true)
			return
		case <-timer.C:
		case <-r.wake:
		}
		timer.Stop()
	}
}

// begin marks a fetch as under way.
func (r *remoteKeys) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetching, r.last = true, r.now()
	return !r.closed
}

// end lets those who wait go on. A wake that crossed with the fetch has been answered by it.
func (r *remoteKeys) end(closed bool) {
	r.mu.Lock()
	waiting := r.waiting
	r.waiting, r.fetching = nil, false
	r.closed = r.closed || closed
	select {
	case <-r.wake:
	default:
	}
	r.mu.Unlock()
	for _, then := range waiting {
		then()
	}
}

// fetch gets the key set. What we have stays where that fails.
func (r *remoteKeys) fetch(ctx context.Context) (err error) {
	r.fetches.Add(1)
	defer func() {
		if err != nil {
			r.failures.Add(1)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.config.URL, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("JWKS: status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxSetBytes+1))
	if err != nil {
		return err
	}
	if len(body) > maxSetBytes {
		return errors.New("JWKS: larger than 256 KiB")
	}
	ring, err := parseKeySet(body)
	if err != nil {
		return fmt.Errorf("JWKS: %w", err)
	}
	r.current.Store(&fetched{ring, r.now()})
	return nil
}
