package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// node is the path /node. What a message means is the application's business there; here a chat goes to everyone.
type node struct{ everyone *audience }

func (n *node) open(m *member) {
	m.tell(output{Type: "welcome", UserID: userID(m), Message: "Connected successfully"})
	n.everyone.enter(m, nil)
}

func (n *node) message(m *member, in input) {
	if in.Type == "chat" {
		m.say(n.everyone, output{Type: "chat", UserID: userID(m), Content: in.Content}, in.ID)
	}
}

func (n *node) leave(m *member) {
	n.everyone.exit(m, func(int) output { return output{Type: "user_left", UserID: userID(m)} })
}

func userID(m *member) string { return "user-" + strconv.FormatInt(m.id, 10) }

// python is the path /python: everyone is told who comes and goes, and how many are there then.
type python struct{ everyone *audience }

func (p *python) open(m *member) {
	m.tell(output{Type: "welcome", ClientID: m.id, Timestamp: isoTime()})
	p.everyone.enter(m, func(count int) output { return output{Type: "user_joined", ClientID: m.id, Count: count} })
}

func (p *python) message(m *member, in input) {
	switch in.Type {
	case "ping":
		m.tell(output{Type: "pong"})
	case "chat":
		if in.Content == nil {
			in.Content = json.RawMessage("null")
		}
		m.say(p.everyone, output{Type: "chat", ClientID: m.id, Content: in.Content, Timestamp: isoTime()}, in.ID)
	}
}

func (p *python) leave(m *member) {
	p.everyone.exit(m, func(count int) output { return output{Type: "user_left", ClientID: m.id, Count: count} })
}

// isoTime is the time as every version of Python's datetime.fromisoformat reads it: with an offset that is no "Z".
func isoTime() string { return time.Now().Format("2006-01-02T15:04:05.000000-07:00") }

// group is the path /group: everyone gets what anyone writes, and a heartbeat to pass over.
type group struct{ everyone *audience }

type groupMessage struct {
	Type    int    `json:"type"` // 1: heartbeat, 2: text
	Message string `json:"message"`
}

// newGroup starts the heartbeat, one message for all members, which ends with the chat.
func newGroup(p *path) behaviour {
	g := &group{p.newAudience("")}
	p.chat.work.Go(func() {
		beat := reactor.Publication{Encoder: text(encode(groupMessage{1, "心跳检测"}))}
		ticker := time.NewTicker(p.chat.beat)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_, _ = g.everyone.topic.Publish(beat) // the next one says as much
			case <-p.chat.done:
				return
			}
		}
	})
	return g
}

func (g *group) open(m *member) { g.everyone.enter(m, nil) }

func (g *group) message(m *member, in input) {
	if _, err := g.everyone.push(groupMessage{2, strings.ToValidUTF8(string(in.Content), "\uFFFD")}, nil); err != nil {
		m.refuse("The server is busy", nil)
	}
}

func (g *group) leave(m *member) { g.everyone.exit(m, nil) }
