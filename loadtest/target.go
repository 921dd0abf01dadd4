package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// target is where the connections go, with all names resolved.
type target struct {
	Addr       netip.AddrPort // of the WebSocket server
	Host       string         // Host header
	Path       string         // request target, with the query
	Subscribe  bool           // a subscribe message has to be sent: the URL does not subscribe by itself
	Channel    string
	PublishURL *url.URL
	TLS        *TLS // nil for ws; ServerName is filled in
}

// parseTarget takes the URL and the channel of a run apart. It does not resolve names.
func parseTarget(c Config) (target, *url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return target{}, nil, err
	}
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return target{}, nil, fmt.Errorf("want a URL such as ws://127.0.0.1:8080/ws or wss://example.com/ws, not %q", c.URL)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	t := target{Host: u.Host, Channel: c.Channel}
	if err := t.chooseChannel(c, u); err != nil {
		return target{}, nil, err
	}
	t.Path = u.RequestURI()
	if t.PublishURL, err = publishURL(c, u); err != nil {
		return target{}, nil, err
	}
	if u.Scheme == "wss" {
		t.TLS = c.TLS.forHost(u.Hostname())
	} else if c.TLS.given() && (c.Scenario != Fanout || t.PublishURL.Scheme != "https") {
		return target{}, nil, errors.New("the options of TLS are for wss and https: the URL is a plain one")
	}
	return t, u, nil
}

// chooseChannel settles on one channel: the URL of a raw endpoint names it, others are subscribed by a message.
func (t *target) chooseChannel(c Config, u *url.URL) error {
	named := u.Query().Get("channel")
	raw := named != "" || strings.HasSuffix(u.Path, "/raw")
	switch {
	case named != "" && t.Channel != "" && named != t.Channel:
		return fmt.Errorf("the URL names channel %q, but the run asks for %q", named, t.Channel)
	case named != "":
		t.Channel = named
	case t.Channel == "":
		t.Channel = "load"
	}
	wants := !c.NoSubscribe && c.Scenario != Echo
	if wants && raw && named == "" {
		q := u.Query()
		q.Set("channel", t.Channel)
		u.RawQuery = q.Encode()
	}
	t.Subscribe = wants && !raw
	return nil
}

func publishURL(c Config, ws *url.URL) (*url.URL, error) {
	if c.PublishURL == "" {
		scheme := map[string]string{"ws": "http", "wss": "https"}[ws.Scheme]
		return &url.URL{Scheme: scheme, Host: ws.Host, Path: "/api/publish"}, nil
	}
	u, err := url.Parse(c.PublishURL)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("want a publish URL such as http://127.0.0.1:8080/api/publish, not %q", c.PublishURL)
	}
	return u, nil
}

// resolve looks the host up; the first address serves all connections.
func (t *target) resolve(ctx context.Context, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q: %w", port, err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return err
	}
	if len(addrs) == 0 {
		return fmt.Errorf("%s has no address", u.Hostname())
	}
	t.Addr = netip.AddrPortFrom(addrs[0].Unmap(), uint16(number))
	return nil
}

// defaultPort is a scheme's.
func defaultPort(scheme string) string {
	if scheme == "wss" || scheme == "https" {
		return "443"
	}
	return "80"
}

// validHeaderLine keeps a header line from ending early and from overriding the handshake's own.
func validHeaderLine(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return false
	}
	for _, r := range name + value {
		if r < ' ' && r != '\t' || r == 0x7f {
			return false
		}
	}
	return true
}

// offersSubprotocol says whether one of the header lines asks for a subprotocol; what was not asked for must not be in the
// answer (RFC 6455, section 4.1).
func offersSubprotocol(block, subprotocol string) bool {
	for line := range strings.Lines(block) {
		name, list, _ := strings.Cut(line, ":")
		if !strings.EqualFold(name, "Sec-WebSocket-Protocol") {
			continue
		}
		for _, item := range strings.Split(list, ",") {
			if strings.TrimSpace(item) == subprotocol {
				return true
			}
		}
	}
	return false
}

// headerBlock joins header lines as they go on the wire.
func headerBlock(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line)
		b.WriteString("\r\n")
	}
	return b.String()
}
