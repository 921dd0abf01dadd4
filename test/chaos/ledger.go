package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Kinds of violations.
const (
	silentGap   = "silent gap"      // an acknowledged publication did not come, and nobody said so
	duplicate   = "duplicate"       // the same epoch and offset came twice
	disorder    = "out of order"    // an earlier publication came behind a later one
	madeTwice   = "made twice"      // one idempotency key, two publications
	corrupt     = "corrupt"         // the body is not what was published
	wentBack    = "went back"       // a position below one that was told before
	unexpected  = "unexpected"      // something that the protocol does not allow here
	lost        = "lost"            // acknowledged, and not in the history
	notServed   = "not served"      // longer without service than is bearable
	epochChange = "another epoch"   // the log was lost
	badExit     = "unexpected exit" // a process ended by itself, or did not end well
)

// violation is a promise that was broken.
type violation struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Client   int       `json:"client"` // -1: none
	Node     string    `json:"node,omitempty"`
	Channel  string    `json:"channel,omitempty"`
	Expected string    `json:"expected"`
	Seen     string    `json:"seen"`
	Faults   []string  `json:"faults,omitempty"` // around it
}

func (v violation) String() string {
	return fmt.Sprintf("%s %s: client %d %s %s\n  expected %s\n  seen     %s", v.At.Format(clock), v.Kind, v.Client, v.Node, v.Channel, v.Expected, v.Seen)
}

// maxViolations bounds those that are kept with their details; all are counted.
const maxViolations = 1000

// ledger is what was promised to subscribers, and what came of it.
type ledger struct {
	channels map[string]*channelLog // immutable after newLedger

	// Atomic.
	acknowledged, retried, delivered     atomic.Uint64
	recovered, notRecovered, gaps, toldN atomic.Uint64 // toldN: pairs of a client and a publication

	mu     sync.Mutex // guards what follows
	counts map[string]int
	kept   []violation
	told   []violation // which are none: what was said to be missing
}

func newLedger(channels []string) *ledger {
	l := &ledger{channels: make(map[string]*channelLog), counts: make(map[string]int)}
	for _, name := range channels {
		l.channels[name] = &channelLog{ledger: l, name: name}
	}
	return l
}

// violate notes that a promise was broken. Safe from any goroutine.
func (l *ledger) violate(v violation) {
	v.At = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[v.Kind]++
	if len(l.kept) < shownViolations {
		fmt.Fprintf(os.Stderr, "%s\n", v)
	}
	if len(l.kept) < maxViolations {
		l.kept = append(l.kept, v)
	}
}

// tell notes that a client was told that something is missing. Safe from any goroutine.
func (l *ledger) tell(v violation) {
	v.At, v.Kind = time.Now(), "told missing"
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.told) < shownViolations {
		l.told = append(l.told, v)
	}
}

// violations is how many there are.
func (l *ledger) violations() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, count := range l.counts {
		n += count
	}
	return n
}

// place is where a publication is in its channel's log. The zero value: not known yet.
type place struct {
	epoch  string
	offset uint64
}

func (p place) String() string { return fmt.Sprintf("%s/%d", p.epoch, p.offset) }

// channelLog is what is known of one channel: where each of its publications is. They are numbered from 1.
type channelLog struct {
	ledger *ledger
	name   string

	issued, acked atomic.Uint64 // the last number that was sent, and that was acknowledged

	mu     sync.Mutex // guards what follows
	places []place    // of number i+1
}

// acknowledge notes the answer to a publisher. Numbers are acknowledged in their order.
func (c *channelLog) acknowledge(number uint64, at place) {
	c.locate(number, at, violation{Client: -1, Channel: c.name})
	if number > 1 {
		if before := c.place(number - 1); before.epoch == at.epoch && before.offset >= at.offset {
			c.ledger.violate(violation{Kind: disorder, Client: -1, Channel: c.name,
				Expected: fmt.Sprintf("publication %d behind %v, where %d is", number, before, number-1), Seen: at.String()})
		}
	}
	c.acked.Store(number)
	c.ledger.acknowledged.Add(1)
}

// locate notes where a publication was seen, and objects if it was elsewhere before.
func (c *channelLog) locate(number uint64, at place, by violation) {
	c.mu.Lock()
	for uint64(len(c.places)) < number {
		c.places = append(c.places, place{})
	}
	known := c.places[number-1]
	switch {
	case known == (place{}):
		if number > 1 && c.places[number-2].epoch == at.epoch {
			at.epoch = c.places[number-2].epoch // one string for all
		}
		c.places[number-1] = at
	case known != at:
		by.Kind, by.Expected, by.Seen = madeTwice, fmt.Sprintf("publication %d at %v", number, known), "at "+at.String()
	}
	c.mu.Unlock()
	if by.Kind != "" {
		c.ledger.violate(by)
	}
}

// place is where a publication is.
func (c *channelLog) place(number uint64) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number == 0 || number > uint64(len(c.places)) {
		return place{}
	}
	return c.places[number-1]
}
