package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
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
		left:    func(m *member, _ int) output { return output{Type: "user_left", UserID: m.user()} },
		message: nodeMessage,
	},
	"python": {
		welcome: func(m *member) output { return output{Type: "welcome", ClientID: m.id, Timestamp: isoTime()} },
		joined:  func(m *member, count int) output { return output{Type: "user_joined", ClientID: m.id, Count: count} },
		left:    func(m *member, count int) output { return output{Type: "user_left", ClientID: m.id, Count: count} },
		message: pythonMessage,
	},
	"rooms": {message: roomsMessage},
	"group": {message: groupMessage},
}

var pathNames = slices.Sorted(maps.Keys(behaviours))

// nodeMessage leaves the meaning of most messages to the application; here a chat goes to everyone.
func nodeMessage(m *member, in input) {
	if in.Type == "chat" {
		m.say(m.path.everyone, output{Type: "chat", UserID: m.user(), Content: in.Content}, in.ID)
	}
}

func (m *member) user() string { return "user-" + strconv.FormatInt(m.id, 10) }

func pythonMessage(m *member, in input) {
	switch in.Type {
	case "ping":
		m.tell(output{Type: "pong"})
	case "chat":
		if in.Content == nil {
			in.Content = json.RawMessage("null")
		}
		m.say(m.path.everyone, output{Type: "chat", ClientID: m.id, Content: in.Content, Timestamp: isoTime()}, in.ID)
	}
}

// isoTime is the time as every version of Python's datetime.fromisoformat reads it: with an offset that is no "Z".
func isoTime() string { return time.Now().Format("2006-01-02T15:04:05.000000-07:00") }

// groupOutput is what members of /group get: text, and every few seconds a heartbeat that they are to pass over.
type groupOutput struct {
	Type    int    `json:"type"` // 1: heartbeat, 2: text
	Message string `json:"message"`
}

func groupMessage(m *member, in input) {
	if _, err := m.path.everyone.push(groupOutput{2, strings.ToValidUTF8(string(in.Content), "\uFFFD")}, nil); err != nil {
		m.refuse("The server is busy", nil)
	}
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
	if m.room.topic == nil {
		return
	}
	m.Unsubscribe(m.room.topic)
	m.room.announce(output{Type: "system", Message: m.name + " left the room"}, m.room.topic.Subscribers(), nil)
	m.room = audience{}
}
