package native

import (
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// AppendTicket appends a new resume ticket, which takes the place of the one before.
func AppendTicket(dst []byte, ticket string) []byte {
	return append(appendString(appendHead(dst, "ticket", nil), "ticket", ticket), '}')
}

// appendChannels appends the channels that a ticket brings back; nil: no ticket did.
func appendChannels(dst []byte, channels []string) []byte {
	if channels == nil {
		return dst
	}
	dst = append(dst, `,"channels":[`...)
	for i, name := range channels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), '"')
	}
	return append(dst, ']')
}

// fillConnect reads what goes with connect beside a token: a ticket, or whether the client wants any, and where it was in its channels.
func (cmd *Command) fillConnect(m *members) (err *Error) {
	if m.ticket != nil {
		text, isText := jsonobject.String(m.ticket)
		switch word := string(m.ticket); {
		case isText && text != "":
			cmd.Ticket, cmd.WantsTicket = text, true
		case word == "true" || word == "false":
			cmd.WantsTicket = word == "true"
		default:
			return &Error{CodeBadRequest, "ticket must be a ticket, or true"}
		}
	}
	if cmd.Ticket != "" && m.token != nil {
		return &Error{CodeBadRequest, "either ticket or token"}
	}
	cmd.Positions, err = parsePositions(m.positions)
	return err
}

// parsePositions decodes an object of positions by channel; nil stands for none. How many there may be is for others to say.
func parsePositions(value []byte) (map[string]*Recover, *Error) {
	if value == nil {
		return nil, nil
	}
	if !jsonobject.IsObject(value) {
		return nil, &Error{CodeBadRequest, "positions must be an object of positions by channel"}
	}
	positions := make(map[string]*Recover)
	for key, v := range jsonobject.Members(value) {
		name := string(key)
		if !channel.ValidName(name) && !channel.ValidPattern(name) {
			return nil, CheckChannel(name)
		}
		position, err := parseRecover("a position", v)
		if err != nil {
			return nil, err
		}
		positions[name] = position
	}
	return positions, nil
}
