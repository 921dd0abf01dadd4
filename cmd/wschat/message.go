package main

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/wsedge/wsedge/reactor"
)

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
	receivers, err := a.push(v, nil)
	switch {
	case err != nil:
		m.refuse("The server is busy", id)
	case len(id) > 0:
		m.path.acks.Add(1)
		m.tell(output{Type: "ack", ID: id, Receivers: &receivers})
	}
}
