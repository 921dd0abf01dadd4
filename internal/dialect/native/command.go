package native

import (
	"errors"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// MaxIDBytes is the longest id of a command, as it is written. Replies echo it, and replies may have to wait.
const MaxIDBytes = 256

// Verb is what a command wants.
type Verb uint8

// The verbs.
const (
	Connect Verb = iota + 1
	Subscribe
	Unsubscribe
	Publish
	Ping
	Ack
	Presence
	History
	Refresh
)

var verbs = map[string]Verb{
	"connect": Connect, "subscribe": Subscribe, "unsubscribe": Unsubscribe, "publish": Publish, "ping": Ping, "ack": Ack,
	"presence": Presence,
	"history":  History,
	"refresh":  Refresh,
}

// Command is one message of a client, valid as far as its form goes.
type Command struct {
	ID       []byte   // as the client wrote it, nil without one; borrows from the frame
	Data     []byte   // Publish: any JSON value; borrows from the frame
	Channels []string // Subscribe, Unsubscribe: one or more; Publish, Ack, Presence, History: exactly one
	Recover  *Recover // Subscribe: where the client was before; nil when it is new. History: since when; nil for the newest
	Key      string   // Publish: the idempotency key; empty for none
	Limit    int      // History: at most so many publications
	Page     Page     // Presence
	Offset   uint64   // Ack
	Token    string   // Connect, Subscribe, Refresh; empty where there is none
	Verb     Verb

	ExcludeSelf bool // Publish: the client itself shall not get it

	WantsTicket bool                // Connect: the client takes resume tickets
	Ticket      string              // Connect: the one that it comes back with; empty for none
	Positions   map[string]*Recover // Connect with a ticket: where the client was, by channel
}

// Recover is a position that a client has seen everything up to.
type Recover struct {
	Epoch  string
	Offset uint64
}

// members are the members of a command that mean something; nil where there is none. The last one of a name wins.
type members struct {
	kind, id, channel, channels, data, recover, offset, since, limit, key, token []byte
	after, excludeSelf                                                           []byte
	ticket, positions                                                            []byte
}

// Parse takes one message apart. Where it fails the command carries the id at least, if that was good, so that the error
// can be answered with it.
func Parse(payload []byte) (Command, *Error) {
	if err := jsonobject.Check(payload); err != nil {
		return Command{}, TextError(err)
	}
	m := pick(payload)
	var cmd Command
	if m.id != nil {
		if !validID(m.id) {
			return cmd, &Error{CodeBadRequest, "id must be a string or a number of at most 256 bytes"}
		}
		cmd.ID = m.id
	}
	kind, ok := jsonobject.String(m.kind)
	if !ok {
		return cmd, &Error{CodeBadRequest, "type must be a string"}
	}
	cmd.Verb = verbs[kind]
	if err := cmd.fill(&m); err != nil {
		return cmd, err
	}
	return cmd, cmd.takeToken(m.token)
}

// TextError translates what jsonobject found.
func TextError(err error) *Error {
	switch {
	case errors.Is(err, jsonobject.ErrTooDeep):
		return &Error{CodeBadRequest, "JSON is nested deeper than 128 levels"}
	case errors.Is(err, jsonobject.ErrNotObject):
		return &Error{CodeBadRequest, "it must be one JSON object"}
	default:
		return &Error{CodeBadJSON, "Invalid JSON"}
	}
}

func pick(payload []byte) (m members) {
	for key, value := range jsonobject.Members(payload) {
		switch string(key) {
		case "type":
			m.kind = value
		case "id":
			m.id = value
		case "channel":
			m.channel = value
		case "channels":
			m.channels = value
		case "data":
			m.data = value
		case "recover":
			m.recover = value
		case "offset":
			m.offset = value
		case "after":
			m.after = value
		case "exclude_self":
			m.excludeSelf = value
		case "since":
			m.since = value
		case "limit":
			m.limit = value
		case "idempotency_key":
			m.key = value
		case "token":
			m.token = value
		case "ticket":
			m.ticket = value
		case "positions":
			m.positions = value
		}
	}
	return m
}

// validID accepts strings and numbers: what begins with a quote, a minus or a digit, as valid JSON that is no more to see.
func validID(id []byte) bool {
	return len(id) <= MaxIDBytes && (id[0] == '"' || id[0] == '-' || '0' <= id[0] && id[0] <= '9')
}

// fill reads what the verb needs.
func (cmd *Command) fill(m *members) (err *Error) {
	switch cmd.Verb {
	case Connect:
		return cmd.fillConnect(m)
	case Ping, Refresh:
		return nil
	case Subscribe:
		if cmd.Channels, err = someChannels(m); err == nil {
			cmd.Recover, err = parseRecover("recover", m.recover)
		}
		return err
	case Unsubscribe:
		cmd.Channels, err = someChannels(m)
		return err
	case Publish:
		if cmd.Channels, err = oneChannel(m); err == nil && m.data == nil {
			err = &Error{CodeBadRequest, "data is missing"}
		}
		cmd.Data = m.data
		if err == nil {
			cmd.Key, err = IdempotencyKey(m.key)
		}
		if err == nil {
			cmd.ExcludeSelf, err = parseBool(m.excludeSelf, "exclude_self")
		}
		return err
	case Presence:
		if cmd.Channels, err = oneChannel(m); err == nil {
			cmd.Page, err = ParsePage(m.limit, m.after)
		}
		return err
	case Ack:
		var ok bool
		if cmd.Channels, err = oneChannel(m); err != nil {
			return err
		}
		if cmd.Offset, ok = jsonobject.Uint64(m.offset); !ok {
			return &Error{CodeBadRequest, "offset must be a whole number"}
		}
		return nil
	case History:
		if cmd.Channels, err = oneChannel(m); err == nil {
			cmd.Recover, cmd.Limit, err = HistoryRange(m.since, m.limit)
		}
		return err
	default:
		return &Error{CodeUnknownType, "unknown type"}
	}
}

// takeToken reads the token of the verbs that have one.
func (cmd *Command) takeToken(value []byte) *Error {
	if cmd.Verb != Connect && cmd.Verb != Subscribe && cmd.Verb != Refresh {
		return nil
	}
	token, ok := jsonobject.String(value)
	if !ok && value != nil || token == "" && cmd.Verb == Refresh {
		return &Error{CodeBadRequest, "token must be a string"}
	}
	cmd.Token = token
	return nil
}

func oneChannel(m *members) ([]string, *Error) {
	name, err := ChannelName(m.channel)
	if err != nil {
		return nil, err
	}
	return []string{name}, nil
}

// someChannels reads either channel or channels.
func someChannels(m *members) ([]string, *Error) { return ChannelNames(m.channel, m.channels) }

// ChannelNames decodes the JSON values of channel and channels, of which there must be one; nil stands for none. Each is a channel's name or a
// pattern (channel.ValidPattern).
func ChannelNames(channel, channels []byte) ([]string, *Error) {
	if channels == nil {
		name, err := subscriptionName(channel)
		return []string{name}, err
	}
	elements, ok := jsonobject.Elements(channels)
	if !ok || channel != nil {
		return nil, &Error{CodeBadRequest, "either channel, a string, or channels, an array of strings"}
	}
	var names []string
	for element := range elements {
		name, err := subscriptionName(element)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, &Error{CodeBadRequest, "channels is empty"}
	}
	return names, nil
}

// ChannelName decodes the JSON value of a channel's name; nil stands for none.
func ChannelName(value []byte) (string, *Error) {
	name, ok := jsonobject.String(value)
	if !ok {
		return "", &Error{CodeBadRequest, "channel must be a string"}
	}
	return name, CheckChannel(name)
}

// CheckChannel tells what is wrong with a channel's name; nil if it is good.
func CheckChannel(name string) *Error {
	if !channel.ValidName(name) {
		return &Error{CodeBadChannel, "a channel is 1 to 255 of the characters A-Z a-z 0-9 : _ - . # @"}
	}
	return nil
}

// parseRecover decodes the JSON value of a position, the member of that name; nil stands for none.
func parseRecover(name string, value []byte) (*Recover, *Error) {
	if value == nil {
		return nil, nil
	}
	bad := &Error{CodeBadRequest, name + " must be an object with epoch, a string, and offset, a whole number"}
	if !jsonobject.IsObject(value) {
		return nil, bad
	}
	var r Recover
	var hasEpoch, hasOffset bool
	for key, v := range jsonobject.Members(value) {
		switch string(key) {
		case "epoch":
			r.Epoch, hasEpoch = jsonobject.String(v)
		case "offset":
			r.Offset, hasOffset = jsonobject.Uint64(v)
		}
	}
	if !hasEpoch || !hasOffset {
		return nil, bad
	}
	return &r, nil
}
