package loadtest

import (
	"errors"
	"fmt"
	"slices"
)

// Recover says how a connection that comes back asks for what it has missed. It remembers a position: the epoch of the reply
// that has confirmed its subscription, and the offset of the last publication that it has got since, or, before the first, that
// of the reply. It goes with a setup whose last step is the subscription, and expects a reply.
type Recover struct {
	// Epoch and Offset are the paths of the position in that reply. An offset that is not there is 0. Without an epoch there is
	// no position: the server keeps no history.
	Epoch  string `yaml:"epoch"`
	Offset string `yaml:"offset"`
	// Message is the path of a publication's offset in the message that delivers it: keys of objects, no places in lists.
	Message string `yaml:"message"`
	// Send takes the place of the subscription's message where there is a position. It is a template that may use {{epoch}} and
	// {{offset}}, beside what others may.
	Send string `yaml:"send"`
	// Recovered means those replies that promise all that was missed, in order. With any other reply it is gone.
	Recovered Rule `yaml:"recovered"`
	// List is where in such a reply it is; nil: what was missed comes behind it, as messages.
	List *RecoveredList `yaml:"list"`
	// Ticket is for Config.Ticket; nil: the server has none.
	Ticket *Ticket `yaml:"ticket"`
}

// RecoveredList is a list of publications in a reply.
type RecoveredList struct {
	// Path is that of the list in the reply, and Offset that of a publication's offset in each of its values: keys of objects.
	Path   string `yaml:"path"`
	Offset string `yaml:"offset"`
}

// recovery is a Recover, compiled.
type recovery struct {
	step                   int // of the setup
	epoch, offset, message []string
	send                   template
	recovered              *rule
	list, listed           []string    // of the list and of an offset in it; nil for none
	ticket                 *ticketTalk // nil where there are none
}

// compileRecovery reads what a protocol says of coming back; nil where it says nothing. setup is compiled already.
func (p *Protocol) compileRecovery(setup []setupStep) (*recovery, error) {
	r := p.Recover
	if r == nil {
		return nil, nil
	}
	c := &recovery{step: len(setup) - 1, epoch: splitPath(r.Epoch), offset: splitPath(r.Offset), message: splitPath(r.Message)}
	var problems []error
	complain := func(bad bool, text string) {
		if bad {
			problems = append(problems, errors.New(text))
		}
	}
	complain(c.step < 0 || !p.Setup[c.step].subscribes() || setup[c.step].expect == nil,
		"the last step of the setup must be the subscription, and expect a reply")
	complain(c.epoch == nil, "no path of the epoch in that reply")
	complain(c.offset == nil, "no path of the offset in that reply")
	complain(c.message == nil, "message: no path of the offset in a delivery")
	if r.List != nil {
		c.list, c.listed = splitPath(r.List.Path), splitPath(r.List.Offset)
		complain(c.list == nil || c.listed == nil, "list: needs path and offset")
	}
	var err error
	variables := []variable{variableChannel, variableConn, variableID}
	if c.send, err = compileTemplate(r.Send, escapeJSON, append(slices.Clip(variables), variableEpoch, variableOffset)...); err != nil {
		problems = append(problems, fmt.Errorf("send: %w", err))
	} else {
		complain(!c.send.uses(variableEpoch) || !c.send.uses(variableOffset), "send: must have {{epoch}} and {{offset}}")
	}
	if c.ticket, err = r.Ticket.compile(); err != nil {
		problems = append(problems, err)
	}
	if c.recovered, err = compileRule("recovered", &r.Recovered, variables...); err != nil {
		problems = append(problems, err)
	}
	return c, errors.Join(problems...)
}
