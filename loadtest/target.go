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
	Path       string         // request target, with the query; a template
	Subscribe  bool           // a subscribe message has to be sent: the URL does not subscribe by itself
	Channel    string
	Protocol   Protocol // as the connections of this run need it
	PublishBy  PublishBy
	PublishURL *url.URL // nil where nothing is published
	TLS        *TLS     // nil for ws; ServerName is filled in
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
	t.Path = requestTemplate(u)
	if _, err := compileTemplate(t.Path, escapeURL, variableChannel, variableConn); err != nil {
		return target{}, nil, err
	}
	if u.Scheme == "wss" {
		t.TLS = c.TLS.forHost(u.Hostname())
	} else if c.TLS.given() && !(c.Scenario == Fanout && isSecure(t.PublishURL)) {
		return target{}, nil, errors.New("the options of TLS are for wss and https: the URL is a plain one")
	}
	return t, u, nil
}

// chooseChannel settles on one channel: the URL of a raw endpoint names it, others are subscribed by a message.
func (t *target) chooseChannel(c Config, u *url.URL) error {
	named := u.Query().Get("channel")
	if named == channelVariable || c.Protocol != nil && c.Protocol.Name != recipeRaw {
		named = "" // of the one it is the place, to the others it means nothing
	}
	asIs := u.Query().Get("channel") != ""
	raw := asIs || strings.HasSuffix(u.Path, "/raw")
	switch {
	case named != "" && t.Channel != "" && named != t.Channel:
		return fmt.Errorf("the URL names channel %q, but the run asks for %q", named, t.Channel)
	case named != "" && c.Topics > 1:
		return fmt.Errorf("the URL names one channel of %d: leave it out, or write channel=%s", c.Topics, channelVariable)
	case named != "":
		t.Channel = named
	case t.Channel == "":
		t.Channel = "load"
	}
	wants := !c.NoSubscribe && c.Scenario != Echo
	t.Subscribe = wants && !raw
	return t.chooseProtocol(c, u, wants && raw && !asIs)
}

const channelVariable = "{{channel}}"

// chooseProtocol takes the one that the run asks for, or the one that the URL looks like. subscribe says that the URL of a raw
// endpoint has yet to name its channel.
func (t *target) chooseProtocol(c Config, u *url.URL, subscribe bool) error {
	switch {
	case c.Protocol != nil:
		t.Protocol = *c.Protocol
	case c.Scenario == Echo:
		t.Protocol, _ = Recipe(recipeEcho)
	case t.Subscribe || c.NoSubscribe:
		t.Protocol, _ = Recipe(recipeWsedge)
	default:
		t.Protocol, _ = Recipe(recipeRaw)
	}
	if c.NoSubscribe || c.Scenario == Echo {
		t.Protocol.Setup = withoutSubscription(t.Protocol.Setup)
	}
	if err := errors.Join(t.chooseRecovery(c), t.chooseConnect(c)); err != nil {
		return err
	}
	if c.Scenario == Echo && t.Protocol.Echo == "" {
		return fmt.Errorf("protocol %s has no echo: nothing that comes back", t.Protocol.Name)
	}
	if subscribe && t.Protocol.Name == recipeRaw {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += "channel=" + channelVariable
	}
	return t.choosePublishing(c, u)
}

// chooseRecovery leaves out of the protocol what the run does not ask for.
func (t *target) chooseRecovery(c Config) error {
	if !c.Recover {
		t.Protocol.Recover = nil
		return nil
	}
	if t.Protocol.Recover == nil {
		return fmt.Errorf("protocol %s does not say how to recover", t.Protocol.Name)
	}
	return nil
}

// spoken is what the workers need of the protocol.
func (t *target) spoken() Protocol {
	p := t.Protocol
	p.Publish = PublishWays{}
	return p
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
