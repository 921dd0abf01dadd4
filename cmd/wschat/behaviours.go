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
	welcome func(m *member) output // to who connects
	notices                        // to everyone on the path
	message func(m *member, in input)
	leave   func(m *member)
}

// notices tell an audience, who joins included, who joins and leaves, and how many they are then.
type notices struct {
	joined, left func(m *member, count int) output
}

var behaviours = map[string]behaviour{
	"node": {
		welcome: func(m *member) output {
			return output{Type: "welcome", UserID: m.user(), Message: "Connected successfully"}
		},
		notices: notices{left: func(m *member, _ int) output { return output{Type: "user_left", UserID: m.user()} }},
		message: nodeMessage,
	},
	"python": {
		welcome: func(m *member) output { return output{Type: "welcome", ClientID: m.id, Timestamp: isoTime()} },
		notices: notices{
			func(m *member, count int) output { return output{Type: "user_joined", ClientID: m.id, Count: count} },
			func(m *member, count int) output { return output{Type: "user_left", ClientID: m.id, Count: count} },
		},
		message: pythonMessage,
	},
	"rooms": {message: roomsMessage, leave: leaveRoom},
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

func roomsMessage(m *member, in input) {
	switch {
	case in.Type == "join":
		joinRoom(m, in.Room, in.Username)
	case in.Type == "chat" && m.room == nil:
		m.refuse("Join a room first", in.ID)
	case in.Type == "chat":
		m.say(m.room, output{Type: "chat", Username: m.name, Content: in.Content, Timestamp: time.Now().UnixMilli()}, in.ID)
	case in.Type == "typing" && m.room != nil:
		_, _ = m.room.push(output{Type: "typing", Username: m.name}, m) // worth nothing once it is late: a flood may take it
	}
}

// joinRoom puts a member into a room, which begins with its first member, and out of the one where it was.
func joinRoom(m *member, room, name string) {
	if room == "" || name == "" || max(len(room), len(name)) > 64 { // everyone in the room gets them
		m.refuse("A room and a username are texts of 1 to 64 bytes", nil)
		return
	}
	leaveRoom(m)
	p := m.path
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rooms[room] == nil {
		p.rooms[room] = p.newAudience(room, notices{roomNotice("joined"), roomNotice("left")})
	}
	m.room, m.name = p.rooms[room], name
	m.room.enter(m)
}

// leaveRoom takes a member out of the room where it is, if it is in one. A room ends with its last member.
func leaveRoom(m *member) {
	if m.room == nil {
		return
	}
	m.path.mu.Lock()
	defer m.path.mu.Unlock()
	if m.room.exit(m) == 0 {
		delete(m.path.rooms, m.room.room)
	}
	m.room = nil
}

func roomNotice(did string) func(m *member, _ int) output {
	return func(m *member, _ int) output {
		return output{Type: "system", Message: m.name + " " + did + " the room"}
	}
}
