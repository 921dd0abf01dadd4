package loadtest

import (
	"errors"
	"fmt"
)

// Protocol says how a server is spoken to: what a connection sends and expects before it is ready, what it answers, and how
// something is published. Recipe has those of some servers.
//
// The texts that are sent are templates: {{channel}}, {{conn}} (number of the connection within the run, or of the publisher)
// and {{id}} (a number that is used once per connection) are replaced, and {{payload}} by the stamp that every message
// carries: 64 bytes or more that JSON leaves as they are. A channel's name is put in as it stands between the quotes of a
// JSON string, in a URL as the URL asks for.
type Protocol struct {
	// Name is for reports.
	Name string `yaml:"name"`
	// Setup is what each connection does before it is ready, one step after the other. Steps that send the channel's name
	// are its subscription; connections that need none leave them out.
	Setup []SetupStep `yaml:"setup"`
	// Answers are given to messages that ask for one, such as heartbeats, at any time.
	Answers []Answer `yaml:"answers"`
	// Split "newline" says that one frame may carry several messages, in lines.
	Split string `yaml:"split"`
	// Echo is a message that comes back, for the scenario of that name. It must have {{payload}}.
	Echo string `yaml:"echo"`
	// Publish says how something is published (Fanout); where both ways are given, Config.PublishBy chooses.
	Publish PublishWays `yaml:"publish"`
	// Recover says how a connection that comes back asks for what it has missed, for Config.Recover; nil: it cannot.
	Recover *Recover `yaml:"recover"`
	// Connect is the step in front of the setup for Config.Token and Config.Ticket; nil: there is none. {{credentials}} in it are members of a JSON
	// object: "ticket":true and "token":"…", what there is of them.
	Connect *SetupStep `yaml:"connect"`
}

// SetupStep is part of a setup. Both Send and Expect are optional, but not together.
type SetupStep struct {
	Send    string   `yaml:"send"`
	Expect  *Rule    `yaml:"expect"`  // the reply; until it comes, other messages are passed over
	Refused *Refusal `yaml:"refused"` // the reply that ends the connection as a failed one; it is looked at first
}

// Answer is given to each message that Match means. Its template may use {{channel}} and {{conn}}.
type Answer struct {
	Match Rule   `yaml:"match"`
	Send  string `yaml:"send"`
}

// PublishWays are the ways to publish.
type PublishWays struct {
	HTTP      *HTTPPublish      `yaml:"http"`
	WebSocket *WebSocketPublish `yaml:"websocket"`
}

// HTTPPublish is a request that publishes. Its answer acknowledges with a status of 2xx, and, where OK is given, a body that
// it means.
type HTTPPublish struct {
	// Method defaults to POST.
	Method string `yaml:"method"`
	// URL is a whole one, or a path on the host of the run's URL. It is a template that may use {{channel}}.
	URL string `yaml:"url"`
	// Headers are lines, each "Name: value", beside those of Config.Header. The content type is application/json unless one
	// is given.
	Headers []string `yaml:"headers"`
	// Body is a template and must have {{payload}}.
	Body string `yaml:"body"`
	OK   *Rule  `yaml:"ok"`
}

// WebSocketPublish is a message that publishes, sent on connections that do nothing else.
type WebSocketPublish struct {
	// URL is a whole one, or a path on the host of the run's URL; none is the run's URL itself.
	URL string `yaml:"url"`
	// Setup defaults to those steps of the protocol's setup that do not send the channel's name, or, where deliveries
	// acknowledge, to all of them. A step with the name is done once for each channel that is published to.
	Setup []SetupStep `yaml:"setup"`
	// Send is a template and must have {{payload}}.
	Send    string   `yaml:"send"`
	Ack     Ack      `yaml:"ack"`
	Refused *Refusal `yaml:"refused"`
}

// Ack is what acknowledges a message that publishes: a reply that the Rule means, or what By says.
type Ack struct {
	Rule `yaml:",inline"`
	By   AckBy `yaml:"-"`
}

// AckBy says what tells a publisher that the server has taken a publication.
type AckBy string

// What may acknowledge a publication.
const (
	AckReply    AckBy = ""         // a reply: of a status for HTTP, or one that a Rule means
	AckDelivery AckBy = "delivery" // the publication itself, delivered to its publisher
	AckNone     AckBy = "none"     // nothing: it counts as acknowledged when it is written
)

// UnmarshalYAML reads a rule, or "none" or "delivery" in its place. It is what libraries for YAML look for; decode reads the
// value into what it is given.
func (a *Ack) UnmarshalYAML(decode func(into any) error) error {
	var word string
	if decode(&word) != nil {
		return decode(&a.Rule)
	}
	if a.By = AckBy(word); a.By != AckDelivery && a.By != AckNone {
		return fmt.Errorf("ack: want a rule, delivery or none, not %q", word)
	}
	return nil
}

// maxSteps is what fits into the byte that a connection has for it, rounded down.
const maxSteps = 100

// Validate reports all problems together, each with the path of what is wrong.
func (p *Protocol) Validate() error {
	_, err := p.compile()
	return errors.Join(err, p.Publish.validate(p))
}

// subscribes says whether the step is a subscription.
func (s *SetupStep) subscribes() bool {
	t, err := compileTemplate(s.Send, escapeJSON, variableChannel, variableConn, variableID)
	return err == nil && t.uses(variableChannel)
}

// withoutSubscription leaves those steps out.
func withoutSubscription(steps []SetupStep) []SetupStep {
	var rest []SetupStep
	for _, s := range steps {
		if !s.subscribes() {
			rest = append(rest, s)
		}
	}
	return rest
}

func (w *PublishWays) validate(p *Protocol) error {
	var problems []error
	if w.HTTP != nil {
		if _, err := w.HTTP.compile(); err != nil {
			problems = append(problems, prefixed("publish.http", err))
		}
	}
	if w.WebSocket != nil {
		if _, err := w.WebSocket.compile(p); err != nil {
			problems = append(problems, prefixed("publish.websocket", err))
		}
	}
	return errors.Join(problems...)
}

// prefixed puts the same path in front of each of joined errors.
func prefixed(path string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s: %w", path, err)
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, prefixed(path, e))
	}
	return errors.Join(all...)
}
