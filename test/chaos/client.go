package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// node is a server that clients and publishers can use.
type node struct {
	name    string
	address string // of the front, host:port
}

// client keeps its subscriptions over connections to whichever node will have it.
type client struct {
	id       int
	nodes    []node
	ledger   *ledger
	random   *rand.Rand
	stay     time.Duration       // how long it keeps a connection, on average; 0: for ever
	accounts map[string]*account // immutable; each belongs to run's goroutine

	// Atomic.
	at    atomic.Int32 // the index of the node to which it is connected, -1 for none
	ready atomic.Int64 // when all was last subscribed, in Unix nanoseconds; 0: never
	lives atomic.Uint64
	moves atomic.Int32           // the index of the node to which it shall go next, and 1; 0: none in particular
	using atomic.Pointer[socket] // what it reads from

	retryAfter time.Duration // what the server asked for; owned by run
}

func newClient(id int, seed uint64, nodes []node, l *ledger, channels []string) *client {
	c := &client{id: id, nodes: nodes, ledger: l, random: rand.New(rand.NewPCG(seed, uint64(id))), accounts: make(map[string]*account)}
	for _, name := range channels {
		c.accounts[name] = &account{log: l.channels[name], client: id}
	}
	c.at.Store(-1)
	return c
}

// run connects, and connects again, until ctx ends.
func (c *client) run(ctx context.Context) {
	for i, attempt := c.random.IntN(len(c.nodes)), 0; ctx.Err() == nil; attempt++ {
		if c.live(ctx, i) {
			attempt = 0
		}
		wait := max(c.retryAfter, time.Duration(c.random.Int64N(int64(min(300*time.Millisecond<<min(attempt, 10), 2*time.Second)))))
		c.retryAfter = 0
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		if i = (i + 1 + c.random.IntN(max(1, len(c.nodes)-1))) % len(c.nodes); c.moves.Load() > 0 {
			i = int(c.moves.Swap(0)) - 1
		}
	}
}

// move has the client go to a node. Safe from any goroutine.
func (c *client) move(to int) {
	c.moves.Store(int32(to) + 1)
	if s := c.using.Load(); s != nil {
		s.close()
	}
}

// live is one connection; it says whether everything was subscribed on it.
func (c *client) live(ctx context.Context, i int) (subscribed bool) {
	s, err := openSocket(ctx, c.nodes[i].address)
	if err != nil {
		return false
	}
	defer s.close()
	defer context.AfterFunc(ctx, s.close)()
	if c.stay > 0 {
		defer time.AfterFunc(time.Duration(c.random.ExpFloat64()*float64(c.stay)), s.close).Stop()
	}
	c.using.Store(s)
	c.at.Store(int32(i))
	defer func() {
		c.at.Store(-1)
		for _, a := range c.accounts {
			a.live = false
		}
	}()
	return c.subscribe(s, c.nodes[i].name) == nil && c.listen(s)
}

// subscribe asks for all channels, from where the client is.
func (c *client) subscribe(s *socket, node string) error {
	for name, a := range c.accounts {
		a.node = node
		command := fmt.Sprintf(`{"type":"subscribe","channel":%q}`, name)
		if a.known {
			command = fmt.Sprintf(`{"type":"subscribe","channel":%q,"recover":{"epoch":%q,"offset":%d}}`, name, a.at.epoch, a.at.offset)
		}
		if err := s.say(command); err != nil {
			return err
		}
	}
	return nil
}

// listen takes messages until the connection ends.
func (c *client) listen(s *socket) (subscribed bool) {
	for pending := len(c.accounts); ; {
		text, err := s.next()
		if err != nil {
			return pending == 0
		}
		confirmed, ok := c.take(text)
		if !ok {
			return pending == 0
		}
		if pending -= confirmed; pending == 0 && confirmed > 0 {
			c.lives.Add(1)
			c.ready.Store(time.Now().UnixNano())
		}
	}
}

// said is any message from the server.
type said struct {
	Type         string          `json:"type"`
	Channel      string          `json:"channel"`
	Epoch        string          `json:"epoch"`
	Offset       uint64          `json:"offset"`
	Recovered    bool            `json:"recovered"`
	Data         json.RawMessage `json:"data"`
	After        uint64          `json:"after"`
	Before       uint64          `json:"before"`
	Refill       bool            `json:"refill"`
	Code         json.RawMessage `json:"code"`
	Message      string          `json:"message"`
	RetryAfterMS int64           `json:"retry_after_ms"`
}

// take takes a message: how many subscriptions it has confirmed, and whether the connection can go on.
func (c *client) take(text []byte) (confirmed int, goOn bool) {
	var m said
	if err := json.Unmarshal(text, &m); err != nil {
		c.object(corrupt, "a JSON object", fmt.Sprintf("%.200q: %v", text, err))
		return 0, false
	}
	a := c.accounts[m.Channel]
	if a == nil {
		switch m.Type {
		case "welcome", "pong":
			return 0, true
		case "disconnect":
			c.retryAfter = time.Duration(m.RetryAfterMS) * time.Millisecond
			return 0, true
		case "error":
			return 0, false
		}
		c.object(unexpected, "its own channels", fmt.Sprintf("%.200q", text))
		return 0, true
	}
	switch m.Type {
	case "subscribed":
		a.subscribed(place{m.Epoch, m.Offset}, m.Recovered)
		return 1, true
	case "gap":
		a.gap(span{m.After, m.Before}, m.Refill)
	case "message":
		b, wrong := readBody(m.Channel, m.Data)
		if wrong != "" {
			a.violate(corrupt, fmt.Sprintf("publication %d", a.number+1), fmt.Sprintf("%s in %.300q", wrong, text))
			return 0, true
		}
		a.message(b.Number, m.Offset)
	case "error": // the engine is away, say: another node may do better
		if string(m.Code) != `"unavailable"` {
			a.violate(unexpected, "a subscription", fmt.Sprintf("%.200q", text))
		}
		return 0, false
	default:
		a.violate(unexpected, "messages", fmt.Sprintf("%.200q", text))
	}
	return 0, true
}

func (c *client) object(kind, expected, seen string) {
	c.ledger.violate(violation{Kind: kind, Client: c.id, Expected: expected, Seen: seen})
}

// heard says whether the client has all that marks name, each a number by channel.
func (c *client) heard(marks map[string]uint64) bool {
	for name, a := range c.accounts {
		if a.heard.Load() < marks[name] {
			return false
		}
	}
	return true
}
