package main

import (
	"sync"
	"time"
)

// rooms is the path /rooms. A member is in one room at a time; a room is there while somebody is in it.
type rooms struct {
	*path

	mu    sync.Mutex // over the map, and who is in which: so that nobody enters a room that has just ended
	named map[string]*audience
}

// maxName bounds the names of rooms and users, in bytes: everyone in a room gets them.
const maxName = 64

func (r *rooms) open(*member) {}

func (r *rooms) message(m *member, in input) {
	switch {
	case in.Type == "join":
		r.join(m, in)
	case in.Type == "chat" && m.room == nil:
		m.refuse("Join a room first", in.ID)
	case in.Type == "chat":
		m.say(m.room, output{Type: "chat", Username: m.name, Content: in.Content, Timestamp: time.Now().UnixMilli()}, in.ID)
	case in.Type == "typing" && m.room != nil:
		_, _ = m.room.push(output{Type: "typing", Username: m.name}, m) // worth nothing once it is late: a flood may take it
	}
}

func (r *rooms) join(m *member, in input) {
	if in.Room == "" || in.Username == "" || len(in.Room) > maxName || len(in.Username) > maxName {
		m.refuse("A room and a username are texts of 1 to 64 bytes", nil)
		return
	}
	r.leave(m)
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.named[in.Room]
	if a == nil {
		a = r.newAudience(in.Room)
		r.named[in.Room] = a
	}
	m.room, m.name = a, in.Username
	a.enter(m, m.notice("joined"))
}

func (r *rooms) leave(m *member) {
	if m.room == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.room.exit(m, m.notice("left")) == 0 {
		delete(r.named, m.room.room)
	}
	m.room = nil
}

func (m *member) notice(did string) func(int) output {
	return func(int) output { return output{Type: "system", Message: m.name + " " + did + " the room"} }
}
