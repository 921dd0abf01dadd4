package loadtest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// PublishBy says how publishers speak to the server.
type PublishBy string

// The ways to publish.
const (
	PublishByHTTP      PublishBy = "http"
	PublishByWebSocket PublishBy = "websocket"
)

// httpForm is an HTTPPublish, compiled, but for its address.
type httpForm struct {
	method  string
	headers string // ready-made lines
	body    template
	ok      *rule // nil if the status is enough
}

// compile reads the way to publish.
func (h *HTTPPublish) compile() (*httpForm, error) {
	var problems []error
	note := func(path string, err error) {
		if err != nil {
			problems = append(problems, prefixed(path, err))
		}
	}
	form := &httpForm{method: h.Method, headers: headerBlock(h.Headers)}
	if form.method == "" {
		form.method = "POST"
	}
	if strings.ContainsFunc(form.method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		note("method", fmt.Errorf("want one in capitals, not %q", h.Method))
	}
	_, err := compileTemplate(h.URL, escapeURL, variableChannel)
	note("url", err)
	typed := false
	for _, line := range h.Headers {
		if !validHeaderLine(line) {
			note("headers", fmt.Errorf(`want "Name: value", not %q`, line))
		}
		name, _, _ := strings.Cut(line, ":")
		typed = typed || strings.EqualFold(name, "Content-Type")
	}
	if !typed {
		form.headers += "Content-Type: application/json\r\n"
	}
	form.body, err = compilePayload(h.Body, variableChannel, variableConn, variableID)
	note("body", err)
	form.ok, err = compileRule("ok", h.OK, variableChannel, variableConn, variableID)
	if err != nil {
		problems = append(problems, err)
	}
	return form, errors.Join(problems...)
}

// messageForm is a WebSocketPublish, compiled, but for its address.
type messageForm struct {
	talk    *dialogue // setup, answers and lines of a publisher's connection
	send    template
	by      AckBy
	ack     *rule // of AckReply
	refused *rule // nil if nothing says no
}

// compile reads the way to publish, in that protocol.
func (w *WebSocketPublish) compile(p *Protocol) (*messageForm, error) {
	form := &messageForm{by: w.Ack.By}
	var problems [5]error
	own := Protocol{Setup: w.setup(p), Answers: p.Answers, Split: p.Split}
	form.talk, problems[0] = own.compile()
	if w.Setup == nil {
		problems[0] = nil // told where it comes from
	}
	var err error
	if form.send, err = compilePayload(w.Send, variableChannel, variableConn, variableID); err != nil {
		problems[1] = prefixed("send", err)
	}
	variables := []variable{variableChannel, variableConn, variableID}
	form.ack, err = w.Ack.compile(variables...)
	switch {
	case err != nil:
		problems[2] = prefixed("ack", err)
	case form.by == AckReply && form.ack.empty():
		problems[2] = prefixed("ack", errors.New("want a rule, delivery or none"))
	}
	form.refused, problems[3] = compileRefusal("refused", w.Refused, variables...)
	if form.by == AckNone && w.Refused != nil {
		problems[4] = errors.New("refused needs an ack: without one no reply is waited for")
	}
	return form, errors.Join(problems[:]...)
}

// setup is what a publisher's connection does first.
func (w *WebSocketPublish) setup(p *Protocol) []SetupStep {
	switch {
	case w.Setup != nil:
		return w.Setup
	case w.Ack.By == AckDelivery:
		return slices.Clone(p.Setup)
	default:
		return withoutSubscription(p.Setup)
	}
}

// choosePublishing settles how and where a fan-out publishes.
func (t *target) choosePublishing(c Config, ws *url.URL) error {
	ways := t.Protocol.Publish
	t.PublishBy = c.PublishBy
	if t.PublishBy == "" {
		t.PublishBy = ways.preferred(c.PublishURL)
	}
	var text string
	switch {
	case t.PublishBy == PublishByHTTP && ways.HTTP != nil:
		text = ways.HTTP.URL
	case t.PublishBy == PublishByWebSocket && ways.WebSocket != nil:
		text = ways.WebSocket.URL
	case c.Scenario != Fanout:
		return nil // publishes nothing
	case t.PublishBy == "":
		return fmt.Errorf("protocol %s has no way to publish: a fan-out needs one", t.Protocol.Name)
	default:
		return fmt.Errorf("protocol %s has no way to publish by %s", t.Protocol.Name, t.PublishBy)
	}
	if c.PublishURL != "" {
		text = c.PublishURL
	}
	var err error
	if t.PublishURL, err = publishAddress(text, ws, publishSchemes[t.PublishBy]); err != nil {
		return err
	}
	known := variableChannel
	if t.PublishBy == PublishByWebSocket {
		known = variableConn // a publisher may publish to several channels
	}
	if _, err = compileTemplate(requestTemplate(t.PublishURL), escapeURL, known); err != nil {
		err = prefixed("publish URL", err)
	}
	return err
}

// preferred is HTTP where there is a choice and no URL says otherwise.
func (w *PublishWays) preferred(address string) PublishBy {
	switch {
	case w.WebSocket != nil && (w.HTTP == nil || strings.HasPrefix(address, "ws")):
		return PublishByWebSocket
	case w.HTTP != nil:
		return PublishByHTTP
	}
	return ""
}

// publishSchemes are those of URLs by the way to publish; the first goes with a run's URL that is ws.
var publishSchemes = map[PublishBy][]string{
	PublishByHTTP:      {"http", "https"},
	PublishByWebSocket: {"ws", "wss"},
}

// publishAddress is where a way's URL leads: relative to the run's own, if it has no scheme.
func publishAddress(text string, base *url.URL, schemes []string) (*url.URL, error) {
	scheme := schemes[0]
	if base.Scheme != "ws" {
		scheme = schemes[len(schemes)-1]
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	switch {
	case text == "" && scheme == base.Scheme:
		u = &url.URL{Scheme: scheme, Host: base.Host, Path: base.Path, RawQuery: base.RawQuery}
	case !u.IsAbs() && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		u.Scheme, u.Host = scheme, base.Host
	}
	if !slices.Contains(schemes, u.Scheme) || u.Host == "" {
		return nil, fmt.Errorf("want a publish URL such as %s://127.0.0.1:8080/api/publish, not %q", schemes[0], text)
	}
	return u, nil
}

// requestTemplate is the request target of a URL, which may have variables; url.URL escapes their braces in a path.
func requestTemplate(u *url.URL) string {
	return strings.NewReplacer("%7B%7B", "{{", "%7D%7D", "}}").Replace(u.RequestURI())
}
