package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// bearable is how long anything may take to be well again behind any fault.
	bearable = 60 * time.Second
)

// outcome is a fault and what came of it.
type outcome struct {
	fault
	Topology string    `json:"topology"`
	Name     string    `json:"name"` // of the target
	Begin    time.Time `json:"begin"`
	End      time.Time `json:"end"` // everything runs again
	// Accepted is how long it took, from Begin on, until a new publication was acknowledged in each channel.
	Accepted time.Duration `json:"accepted_ns"`
	// Served is, for each client concerned, how long it took until it had a publication of each of its channels that was first sent behind Begin, or End where the fault
	// lasts: a pause, a partition.
	Served []time.Duration `json:"-"`
	// Back is how long the clients of a node that ended took to be subscribed elsewhere, from Begin on.
	Back []time.Duration `json:"-"`
	// The same, in short.
	ServedIn distribution `json:"served"`
	BackIn   distribution `json:"back"`
}

func (o *outcome) String() string {
	end := "…"
	if !o.End.IsZero() {
		end = o.End.Format(clock)
	}
	text := fmt.Sprintf("%s to %s: %s %s, %v", o.Begin.Format(clock), end, o.Kind, o.Name, o.Hold.Round(time.Millisecond))
	for _, f := range o.Both {
		text += fmt.Sprintf("; %s %v %v", f.Kind, f.Hold.Round(time.Millisecond), f.Sides)
	}
	if len(o.Sides) > 0 {
		text += fmt.Sprint(" ", o.Sides)
	}
	return text
}

// clock is how times of day are written.
const clock = "15:04:05.000"

// victims are the clients whom a fault concerns: those of the node that dies, or all.
func (l *load) victims(f fault) (list []*client) {
	for _, c := range l.clients {
		if f.Kind != killNode || int(c.at.Load()) == f.Target {
			list = append(list, c)
		}
	}
	return list
}

// observer waits until some clients have what they must have.
type observer struct {
	load  *load
	from  time.Time
	marks map[string]uint64
	wait  []*client
	took  []time.Duration
}

func (l *load) observe(clients []*client) *observer {
	return &observer{load: l, from: time.Now(), marks: l.marks(), wait: append([]*client(nil), clients...)}
}

// look notes who has it now.
func (w *observer) look(has func(*client) bool) {
	rest := w.wait[:0]
	for _, c := range w.wait {
		if has(c) {
			w.took = append(w.took, time.Since(w.from))
		} else {
			rest = append(rest, c)
		}
	}
	w.wait = rest
}

// through watches the clients while a fault is made and mended, and until all is well.
func (l *load) through(ctx context.Context, o *outcome, victims []*client, inject func() error) error {
	served, back := l.observe(victims), l.observe(victims)
	o.Begin = served.from
	mended := make(chan error, 1)
	go func() { mended <- inject() }()
	var settled *observer // everybody, from the end on
	var failed error
	for last := time.Now().Add(time.Hour); ; pause10ms(ctx) {
		select {
		case failed = <-mended:
			settled = l.observe(l.clients)
			o.End, last = settled.from, time.Now().Add(bearable)
		default:
		}
		if o.Accepted == 0 && l.accepted(served.marks) {
			o.Accepted = time.Since(o.Begin)
		}
		served.look(func(c *client) bool { return c.heard(served.marks) })
		back.look(func(c *client) bool { return c.ready.Load() > o.Begin.UnixNano() })
		if settled != nil {
			settled.look(func(c *client) bool { return c.heard(settled.marks) })
		}
		well := settled != nil && len(settled.wait) == 0 && len(served.wait) == 0 && o.Accepted > 0
		if well || failed != nil || ctx.Err() != nil || time.Now().After(last) {
			l.conclude(o, served, back, settled)
			return failed
		}
	}
}

// conclude writes down how long it took, and objects where that was too long.
func (l *load) conclude(o *outcome, served, back, settled *observer) {
	o.Served = served.took
	if o.Kind == killNode || o.Kind == rolling {
		o.Back = back.took
	}
	defer func() { o.ServedIn, o.BackIn = distributionOf(o.Served), distributionOf(o.Back) }()
	if settled == nil {
		return
	}
	if o.Kind == pause || o.Kind == partition || o.Kind == oneWay || o.Kind == both {
		o.Served = settled.took
	}
	if n := max(len(settled.wait), len(served.wait)); n > 0 {
		l.ledger.violate(violation{Kind: notServed, Client: -1, Expected: fmt.Sprintf("all clients served %v behind the end of: %v", bearable, o), Seen: fmt.Sprintf("%d are not", n)})
	}
	if o.Kind != killNode {
		return
	}
	for _, took := range o.Served {
		if took > l.serve {
			l.ledger.violate(violation{Kind: notServed, Client: -1, Node: o.Name, Expected: fmt.Sprint("service within ", l.serve), Seen: took.String()})
			return
		}
	}
}
