package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// DefaultServer is where a server in development mode listens.
	DefaultServer = "http://127.0.0.1:8080"
	// DefaultTimeout is what an answer may take: the API's own is 10 s for an engine that does not answer.
	DefaultTimeout = 15 * time.Second
	// maxAnswerBytes bounds an answer of the API: a batch may have 8 MiB of replies, and the last of them, a history, 4 MiB of data and more.
	maxAnswerBytes = 32 << 20
)

// Config says which server to talk to, and how.
type Config struct {
	// Server is its address: http://HOST:PORT, https://HOST:PORT, perhaps with a path in front of /api and /ws, or unix:PATH.
	// Default: DefaultServer.
	Server string
	// Key is the API key. Default: none is presented.
	Key string
	// Timeout bounds each request, and the opening of a WebSocket. Default: DefaultTimeout.
	Timeout time.Duration
	// TLS is for https. Default: the system's authorities.
	TLS *tls.Config
	// Proxy says by which proxy a request goes, as in http.Transport. Default: by none.
	Proxy func(*http.Request) (*url.URL, error)
}

// Client talks to one server. Safe from any goroutine.
type Client struct {
	server  string // as it was named, for messages
	base    string // http or https, without a slash at the end
	key     string
	timeout time.Duration
	http    *http.Client

	pongTimeout time.Duration
}

// New makes a client; it connects to nothing yet. Its errors are about the address.
func New(config Config) (*Client, error) {
	c := &Client{server: config.Server, key: config.Key, timeout: config.Timeout, pongTimeout: pongTimeout}
	if c.server == "" {
		c.server = DefaultServer
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	transport := &http.Transport{
		TLSClientConfig: config.TLS, TLSHandshakeTimeout: c.timeout, Proxy: config.Proxy,
		MaxIdleConns: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
	}
	if path, ok := strings.CutPrefix(c.server, "unix:"); ok {
		if path == "" || strings.HasPrefix(path, "@") {
			return nil, fmt.Errorf("server %q: want unix: and the path of a socket", c.server)
		}
		c.base, transport.Proxy = "http://localhost", nil // the name that a server accepts without authentication
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	} else if err := c.setBase(); err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the key is for this server, and for no other
	}}
	return c, nil
}

func (c *Client) setBase() error {
	u, err := url.Parse(c.server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("server %q: want http://HOST:PORT, https://HOST:PORT or unix:PATH", c.server)
	}
	if u.User != nil {
		return errors.New("server: a user or password in the URL means nothing here; give an API key")
	}
	c.base = strings.TrimSuffix(u.String(), "/")
	return nil
}

// Close closes connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get asks for a method of the API that takes nothing, such as info, and returns the answer, a JSON object.
func (c *Client) Get(ctx context.Context, method string) ([]byte, error) {
	return c.ask(ctx, http.MethodGet, method, nil)
}

// Call asks for a method of the API, such as publish, and returns the answer, a JSON object. A refusal is an *Error; without an answer the error
// is an *Unanswered.
func (c *Client) Call(ctx context.Context, method string, params *Params) ([]byte, error) {
	return c.ask(ctx, http.MethodPost, method, params.object())
}

func (c *Client) ask(ctx context.Context, verb, method string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, verb, c.base+"/api/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if verb == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	var connected atomic.Bool
	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}))
	if c.key != "" {
		request.Header.Set("X-API-Key", c.key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unanswered(err, connected.Load())
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, c.unanswered(err, true)
	}
	if len(answer) > maxAnswerBytes {
		return nil, fmt.Errorf("%s answers with more than 32 MiB", c.server)
	}
	return c.judge(response, bytes.TrimSpace(answer))
}
