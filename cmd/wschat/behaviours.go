package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wsedge/wsedge/reactor"
)

// behaviour is what a path does with its members, each on the loop of its conn. What is nil is not done.
type behaviour struct {
	welcome      func(m *member) output            // to who connects
	joined, left func(m *member, count int) output // to everyone on the path, who joins included; count: how many they are then
	message      func(m *member, in input)
}

var behaviours = map[string]behaviour{
	"node": {
		welcome: func(m *member) output {
			return output{Type: "welcome", UserID: m.user(), Message: "Connected successfully"}
		},
		left: func(m *member, _ int) output { return output{Type: "user_left", UserID: m.user()} },
		message: func(m *member, in input) { // the meaning of most messages is left to the application; here a chat goes to everyone
			if in.Type == "chat" {
				m.say(m.path.everyone, output{Type: "chat", UserID: m.user(), Content: in.Content}, in.ID)
			}
		},
	},
	"python": {
		welcome: func(m *member) output {
			return output{Type: "welcome", ClientID: m.id, Timestamp: time.Now().Format(isoTime)}
		},
		joined:  func(m *member, count int) output { return output{Type: "user_joined", ClientID: m.id, Count: count} },
		left:    func(m *member, count int) output { return output{Type: "user_left", ClientID: m.id, Count: count} },
		message: pythonMessage,
	},
	"rooms": {message: roomsMessage},
	"group": {message: func(m *member, in input) {
		if _, err := m.path.everyone.push(groupOutput{2, strings.ToValidUTF8(string(in.Content), "\uFFFD")}, nil); err != nil {
			m.refuse("The server is busy", nil)
		}
	}},
}

var pathNames = slices.Sorted(maps.Keys(behaviours))

const isoTime = "2006-01-02T15:04:05.000000-07:00" // as every version of Python's datetime.fromisoformat reads it: with an offset that is no "Z"

func (m *member) user() string { return "user-" + strconv.FormatInt(m.id, 10) }

func pythonMessage(m *member, in input) {
	switch in.Type {
	case "ping":
		m.tell(output{Type: "pong"})
	case "chat":
		if in.Content == nil {
			in.Content = json.RawMessage("null")
		}
		m.say(m.path.everyone, output{Type: "chat", ClientID: m.id, Content: in.Content, Timestamp: time.Now().Format(isoTime)}, in.ID)
	}
}

// groupOutput is what members of /group get: text, and every few seconds a heartbeat that they are to pass over.
type groupOutput struct {
	Type    int    `json:"type"` // 1: heartbeat, 2: text
	Message string `json:"message"`
}

// roomsMessage knows rooms that begin with their first member, and end with their last. A member is in one at a time.
func roomsMessage(m *member, in input) {
	switch {
	case in.Type == "join" && (in.Room == "" || in.Username == "" || max(len(in.Room), len(in.Username)) > 64): // everyone there gets them
		m.refuse("A room and a username are texts of 1 to 64 bytes", nil)
	case in.Type == "join":
		leaveRoom(m)
		m.room, m.name = audience{m.path, in.Room, m.Server().Topic(in.Room)}, in.Username
		_ = m.Subscribe(m.room.topic) // fails for a conn that is closing: then leaveRoom follows
		m.room.announce(output{Type: "system", Message: m.name + " joined the room"}, m.room.topic.Subscribers(), m)
	case in.Type == "chat" && m.room.topic == nil:
		m.refuse("Join a room first", in.ID)
	case in.Type == "chat":
		m.say(m.room, output{Type: "chat", Username: m.name, Content: in.Content, Timestamp: time.Now().UnixMilli()}, in.ID)
	case in.Type == "typing" && m.room.topic != nil:
		_, _ = m.room.push(output{Type: "typing", Username: m.name}, m.Conn) // worth nothing once it is late: a flood may take it
	}
}

// leaveRoom takes a member out of the room where it is, if it is in one.
func leaveRoom(m *member) {
	if m.room.topic != nil {
		m.Unsubscribe(m.room.topic)
		m.room.announce(output{Type: "system", Message: m.name + " left the room"}, m.room.topic.Subscribers(), nil)
		m.room = audience{}
	}
}

// input is what members send. JSON of another shape has no type, and asks for nothing.
type input struct {
	Type     string          `json:"type"`
	Room     string          `json:"room"`
	Username string          `json:"username"`
	Content  json.RawMessage `json:"content"`
	ID       json.RawMessage `json:"id"` // of a chat that is to be acknowledged: a short text or number
	problem  string          // what is wrong with it; "" if nothing is
}

// output is what they get. The order of the fields is the order on the wire.
type output struct {
	Type      string          `json:"type"`
	UserID    string          `json:"userId,omitempty"`
	ClientID  int64           `json:"clientId,omitempty"`
	Username  string          `json:"username,omitempty"`
	Message   string          `json:"message,omitempty"`
	Content   json.RawMessage `json:"content,omitempty"`
	Timestamp any             `json:"timestamp,omitempty"`
	Count     int             `json:"count,omitempty"`
	ID        json.RawMessage `json:"id,omitempty"`
	Receivers *int            `json:"receivers,omitempty"`
}

func decode(payload []byte) (in input) {
	switch {
	case !utf8.Valid(payload) || !json.Valid(payload): // a binary message may be anything
		return input{problem: "Invalid JSON"}
	case deep(payload):
		return input{problem: "JSON is nested too deeply"}
	}
	_ = json.Unmarshal(payload, &in) // a field of a wrong type stays empty
	if id := in.ID; len(id) > 64 || len(id) > 0 && id[0] != '"' && id[0] != '-' && (id[0] < '0' || id[0] > '9') {
		in.ID, in.problem = nil, "Invalid id"
	}
	return in
}

// deep reports whether JSON nests more than 100 levels: what one member writes goes to the parsers of all, and Python's gives up at 1,000.
func deep(valid []byte) bool {
	level, d := 0, json.NewDecoder(bytes.NewReader(valid))
	for token, err := d.Token(); err == nil && level <= 100; token, err = d.Token() {
		switch token {
		case json.Delim('['), json.Delim('{'):
			level++
		case json.Delim(']'), json.Delim('}'):
			level--
		}
	}
	return level > 100
}

// encode returns v as JSON on one line, with "<" left as it is: what is shown as text needs no escaping.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // only texts, numbers and JSON that has been read go in
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// tell sends to this member alone. A conn that has closed meanwhile has no use for it: OnClose tells.
func (m *member) tell(v any) { _ = m.Send(reactor.Text, encode(v)) }

// refuse tells why a message was not taken. The connection lives.
func (m *member) refuse(why string, id json.RawMessage) {
	m.tell(output{Type: "error", Message: why, ID: id})
}

// say gives a chat message to an audience, and acknowledges it to who has given it an id: it is on its way to so many then.
func (m *member) say(a audience, v output, id json.RawMessage) {
	v.ID = id
	if receivers, err := a.push(v, nil); err != nil {
		m.refuse("The server is busy", id)
	} else if len(id) > 0 {
		m.path.acks.Add(1)
		m.tell(output{Type: "ack", ID: id, Receivers: &receivers})
	}
}
