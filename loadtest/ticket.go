package loadtest

import (
	"errors"
	"fmt"
	"strings"
)

// Ticket says how a connection comes back by what the server has given it to come back with: one message takes the place of the whole setup,
// and its answer is that of the subscription.
type Ticket struct {
	// Path is where a message of the server's has a ticket; the last one counts. Mark is what only such messages contain.
	Path string `yaml:"path"`
	Mark string `yaml:"mark"`
	// Send is a template that may use {{ticket}}, {{epoch}} and {{offset}}, beside what others may.
	Send string `yaml:"send"`
}

// ticketTalk is a Ticket, compiled.
type ticketTalk struct {
	path []string
	mark []byte
	send template
}

func (t *Ticket) compile() (*ticketTalk, error) {
	if t == nil {
		return nil, nil
	}
	c := &ticketTalk{path: splitPath(t.Path), mark: []byte(t.Mark)}
	var err error
	if c.send, err = compileTemplate(t.Send, escapeJSON, variableChannel, variableConn, variableID, variableEpoch, variableOffset, variableTicket); err != nil {
		return nil, fmt.Errorf("ticket: send: %w", err)
	}
	if c.path == nil || len(c.mark) == 0 || !c.send.uses(variableTicket) {
		return nil, errors.New("ticket: needs path, mark, and a send with {{ticket}}")
	}
	return c, nil
}

// chooseConnect puts a connect in front of the setup where the run has a token, or wants tickets, and leaves out tickets where it does not.
func (t *target) chooseConnect(c Config) error {
	r := t.Protocol.Recover
	switch {
	case c.Ticket && (r == nil || r.Ticket == nil):
		return fmt.Errorf("protocol %s has no tickets, or the run does not recover", t.Protocol.Name)
	case !c.Ticket && r != nil:
		without := *r
		without.Ticket = nil
		t.Protocol.Recover = &without
	}
	if c.Token == "" && !c.Ticket {
		return nil
	}
	if t.Protocol.Connect == nil {
		return fmt.Errorf("protocol %s does not say how to connect with a token, or for a ticket", t.Protocol.Name)
	}
	var credentials []string
	if c.Ticket {
		credentials = append(credentials, `"ticket":true`)
	}
	if c.Token != "" {
		credentials = append(credentials, `"token":"`+c.Token+`"`)
	}
	step := *t.Protocol.Connect
	step.Send = strings.ReplaceAll(step.Send, "{{credentials}}", strings.Join(credentials, ","))
	t.Protocol.Setup = append([]SetupStep{step}, t.Protocol.Setup...)
	return nil
}

// validToken says of a token that it can stand in a message as it is.
func validToken(token string) bool {
	return strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/=") == ""
}
