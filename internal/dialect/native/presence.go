package native

import (
	"encoding/json"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/dialect"
)

// AppendPresence appends the answer to presence.
func AppendPresence(dst, id []byte, m dialect.Members) []byte {
	return append(AppendMembers(appendHead(dst, "presence", id), m), '}')
}

// AppendMembers appends the members of that JSON object, each behind a comma.
func AppendMembers(dst []byte, m dialect.Members) []byte {
	dst = appendString(dst, "channel", m.Channel)
	dst = appendUint(dst, "count", uint64(m.Count))
	if m.Incomplete {
		dst = append(dst, `,"incomplete":true`...)
	}
	if !m.Listed {
		return dst
	}
	dst = append(dst, `,"clients":[`...)
	for i := range m.Clients {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"client":"`...)
		dst = append(append(dst, m.Clients[i].Client...), '"')
		dst = append(appendWho(dst, &m.Clients[i]), '}')
	}
	if dst = append(dst, ']'); m.More {
		dst = appendString(dst, "next", m.Clients[len(m.Clients)-1].Client)
	}
	return dst
}

// appendWho appends what is known of a client beyond its id.
func appendWho(dst []byte, p *dialect.Present) []byte {
	if p.User != "" {
		user, _ := json.Marshal(p.User) // a string can't fail
		dst = append(append(dst, `,"user":`...), user...)
	}
	if p.Info != nil {
		dst = append(append(dst, `,"info":`...), p.Info...)
	}
	return dst
}

// AppendNotice appends the frame of a join or leave, or of a count that stands for several.
func AppendNotice(dst []byte, n *dialect.Notice) []byte {
	kind := "presence"
	switch {
	case n.Who == nil:
	case n.Joined:
		kind = "join"
	default:
		kind = "leave"
	}
	text := appendHead(make([]byte, 0, 192), kind, nil)
	text = appendString(text, "channel", n.Channel)
	if n.Who != nil {
		text = appendWho(appendString(text, "client", n.Who.Client), n.Who)
	}
	text = appendUint(text, "count", uint64(n.Count))
	return frame.AppendFrame(dst, frame.OpText, append(text, '}'))
}
