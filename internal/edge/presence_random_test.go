package edge

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"testing"
)

// follower keeps the members of a channel as a client can: by presence, and the notices behind it.
type follower struct {
	*client
	members map[string]bool
}

// follow takes the next message.
func (f *follower) follow() {
	f.t.Helper()
	f.take(f.hear())
}

// take takes a message.
func (f *follower) take(text string) {
	f.t.Helper()
	var m struct {
		Type, Client string
		Clients      []struct{ Client string }
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		f.t.Fatal(err)
	}
	switch m.Type {
	case "presence":
		f.members = make(map[string]bool)
		for _, c := range m.Clients {
			f.members[c.Client] = true
		}
	case "join":
		if f.members != nil { // what comes before the answer to presence is in it
			f.members[m.Client] = true
		}
	case "leave":
		delete(f.members, m.Client)
	default:
		f.t.Fatalf("unexpected %s", m.Type)
	}
}

// Clients join, leave and vanish in any order; who follows from anywhere in between arrives at the same members.
func TestFollowersAgree(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	t.Log("seed", seed)
	s := startServer(t, Config{Namespaces: withMembers()})
	var followers []*follower
	clients := make([]*client, 12)
	in := make([]bool, len(clients))
	for i := range clients {
		clients[i] = greet(t, s)
	}
	for step := range 600 {
		if step%150 == 0 {
			f := &follower{client: greet(t, s)}
			f.subscribe("chat:1")
			f.say(`{"type":"presence","channel":"chat:1","limit":500}`)
			followers = append(followers, f)
		}
		i := r.IntN(len(clients))
		switch op := r.IntN(10); {
		case op == 0:
			clients[i].conn.Close()
			clients[i], in[i] = greet(t, s), false
		case in[i]:
			clients[i].say(`{"type":"unsubscribe","channel":"chat:1"}`)
			in[i] = false
		default:
			clients[i].say(`{"type":"subscribe","channel":"chat:1"}`)
			in[i] = true
		}
	}
	want := make(map[string]bool)
	for _, f := range followers {
		want[f.id] = true
	}
	for i, c := range clients {
		if in[i] {
			want[c.id] = true
		}
	}
	for _, f := range followers {
		for f.members == nil || !maps.Equal(f.members, want) {
			f.follow()
		}
	}
}
