package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func (c *client) joins(room, name string) {
	c.t.Helper()
	c.say(fmt.Sprintf(`{"type":"join","room":%q,"username":%q}`, room, name))
	c.want(fmt.Sprintf(`{"type":"system","message":"%s joined the room"}`, name)) // who joins sees it, too
}

func TestRooms(t *testing.T) {
	ch := serve(t, nil)
	ann, ben, eve := dial(t, ch, "/rooms"), dial(t, ch, "/"), dial(t, ch, "/rooms")
	ann.joins("tea", "ann")
	eve.joins("coffee", "eve")
	ben.joins("tea", "ben")
	ann.want(`{"type":"system","message":"ben joined the room"}`)
	ann.say(`{"type":"chat","content":"hello"}`)
	for _, c := range []*client{ann, ben} {
		at := c.want(`{"type":"chat","username":"ann","content":"hello","timestamp":"*"}`)["timestamp"].(float64)
		if time.Since(time.UnixMilli(int64(at))).Abs() > patience {
			t.Errorf("in milliseconds it would be %v", at)
		}
	}
	ben.say(`{"type":"typing"}`)
	ann.want(`{"type":"typing","username":"ben"}`)
	ben.say(`{"type":"chat","content":"after typing"}`)
	ben.want(`{"type":"chat","username":"ben","content":"after typing","timestamp":"*"}`) // and no typing before it
	ann.want(`{"type":"chat","username":"ben","content":"after typing","timestamp":"*"}`)
	ben.bye()
	ann.want(`{"type":"system","message":"ben left the room"}`)
	ann.joins("coffee", "ann") // a member is in one room at a time
	eve.want(`{"type":"system","message":"ann joined the room"}`)
	ann.bye()
	eve.want(`{"type":"system","message":"ann left the room"}`)
	eve.bye()
	eventually(t, "nobody is in a room", func() bool {
		return ch.server.Topic("tea").Subscribers()+ch.server.Topic("coffee").Subscribers() == 0
	})
}

func TestRoomsRefuse(t *testing.T) {
	ch := serve(t, nil)
	c := dial(t, ch, "/rooms")
	c.say("no JSON")
	c.want(`{"type":"error","message":"Invalid JSON"}`)
	c.say(`{"type":"typing"}`)
	c.say(`{"type":"chat","content":"nowhere","id":"a"}`)
	c.want(`{"type":"error","message":"Join a room first","id":"a"}`)
	for _, bad := range []string{`"room":"tea"`, `"username":"ann"`, `"room":7,"username":"ann"`, `"room":"tea","username":"` + strings.Repeat("x", 65) + `"`} {
		c.say(`{"type":"join",` + bad + `}`)
		c.want(`{"type":"error","message":"A room and a username are texts of 1 to 64 bytes"}`)
	}
	c.joins("tea", "ann")
	for _, id := range []string{`{}`, `[1]`, `true`, `"` + strings.Repeat("x", 63) + `"`} {
		c.say(`{"type":"chat","content":"x","id":` + id + `}`)
		c.want(`{"type":"error","message":"Invalid id"}`)
	}
}

// TestAcknowledged: who gives a message an id is told when it is on its way, and to how many.
func TestAcknowledged(t *testing.T) {
	ch := serve(t, nil)
	a, b := dial(t, ch, "/rooms"), dial(t, ch, "/rooms")
	a.joins("tea", "ann")
	b.joins("tea", "ben")
	a.next()
	for _, id := range []string{`7`, `"seven"`} {
		a.say(`{"type":"chat","content":"x","id":` + id + `}`)
		b.want(`{"type":"chat","username":"ann","content":"x","timestamp":"*","id":` + id + `}`)
		got := map[any]map[string]any{}
		for range 2 { // the ack and the message itself, in either order
			m := a.next()
			got[m["type"]] = m
		}
		if ack := got["ack"]; fmt.Sprint(ack["id"]) != strings.Trim(id, `"`) || ack["receivers"] != 2.0 || got["chat"] == nil {
			t.Errorf("%v", got)
		}
	}
}

// TestTypingExactly: forty members type at once, over all loops; each gets every notice of the others, and none of its own.
func TestTypingExactly(t *testing.T) {
	const members, times = 40, 5
	ch := serve(t, nil)
	var all []*client
	for i := range members {
		c := dial(t, ch, "/rooms")
		all = append(all, c)
		c.say(fmt.Sprintf(`{"type":"join","room":"tea","username":"u%d"}`, i))
		for _, there := range all { // the joiner included
			there.want(fmt.Sprintf(`{"type":"system","message":"u%d joined the room"}`, i))
		}
	}
	var work sync.WaitGroup
	for i, c := range all {
		work.Go(func() {
			for range times {
				c.say(`{"type":"typing"}`)
			}
			c.say(`{"type":"chat","content":"done"}`)
			got := map[any]int{}
			for done := 0; done < members; { // a chat is the last of each, in the order that it wrote
				switch m := c.next(); m["type"] {
				case "typing":
					got[m["username"]]++
				case "chat":
					done++
				}
			}
			for j := range members {
				want := times
				if j == i {
					want = 0
				}
				if n := got[fmt.Sprintf("u%d", j)]; n != want {
					t.Errorf("u%d has %d notices of u%d, not %d", i, n, j, want)
				}
			}
		})
	}
	work.Wait()
}

// TestQuiet: in a large room who joins sees its own notice, and the others are left alone.
func TestQuiet(t *testing.T) {
	ch := serve(t, func(o *options) { o.quietAbove = 2 })
	a, b, c := dial(t, ch, "/rooms"), dial(t, ch, "/rooms"), dial(t, ch, "/rooms")
	a.joins("tea", "ann")
	b.joins("tea", "ben")
	a.want(`{"type":"system","message":"ben joined the room"}`)
	c.joins("tea", "cat")
	c.say(`{"type":"chat","content":"x"}`)
	for _, m := range []*client{a, b, c} {
		m.want(`{"type":"chat","username":"cat","content":"x","timestamp":"*"}`)
	}
	c.bye() // two are left, who can be told again
	a.want(`{"type":"system","message":"cat left the room"}`)
}

// TestComeAndGo: members of all paths come and go at once, over all loops; every account ends at nothing.
func TestComeAndGo(t *testing.T) {
	ch := serve(t, nil)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 10 {
				for _, name := range pathNames {
					c := dial(t, ch, "/"+name)
					c.say(`{"type":"join","room":"r` + string(rune('a'+i%3)) + `","username":"u"}`)
					c.say(`{"type":"chat","content":"x","id":1}`)
					c.say(`{"type":"typing"}`)
					c.next()
					_ = c.CloseNow()
				}
			}
		})
	}
	all.Wait()
	eventually(t, "everyone has gone", func() bool {
		for _, p := range ch.paths {
			p.mu.Lock()
			members, subscribers := p.members, p.everyone.topic.Subscribers()
			p.mu.Unlock()
			if members != 0 || subscribers != 0 {
				return false
			}
		}
		return true
	})
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond) // polls, up to patience
	}
}
