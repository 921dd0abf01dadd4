package main

import (
	"fmt"
	"sync/atomic"
)

// span is a gap that was announced: the offsets between the two, both exclusive.
type span struct{ after, before uint64 }

// account is what one client was promised of one channel, over all its connections.
//
// It belongs to the client's goroutine.
type account struct {
	log    *channelLog
	client int

	known  bool   // it was subscribed once
	live   bool   // it is, on the present connection
	node   string // of the present connection, for violations
	at     place  // what the client has: what it recovers from
	floor  uint64 // the promise begins behind this offset of the epoch
	number uint64 // the last publication that came; 0: none yet
	gaps   []span // announced since then
	missed []span // numbers that did not come, exclusive like the offsets; only after violations

	heard atomic.Uint64 // mirrors number, for whoever waits for service
}

func (a *account) violate(kind, expected, seen string) {
	a.log.ledger.violate(violation{Kind: kind, Client: a.client, Node: a.node, Channel: a.log.name, Expected: expected, Seen: seen})
}

// subscribed takes the answer to a subscription that named the client's position, if there was one.
func (a *account) subscribed(at place, recovered bool) {
	l := a.log.ledger
	first := !a.known
	a.known, a.live = true, true
	if !first && at.epoch == a.at.epoch && at.offset < a.at.offset {
		a.violate(wentBack, "a position not before "+a.at.String(), fmt.Sprintf("%v, recovered %v", at, recovered))
	}
	switch {
	case recovered && (first || at.epoch != a.at.epoch):
		a.violate(unexpected, "recovered:false, since the position was of another epoch, or none", at.String())
	case recovered:
		l.recovered.Add(1)
		return // the promise goes on from where the client is
	case !first:
		l.notRecovered.Add(1)
		l.tell(violation{Client: a.client, Node: a.node, Channel: a.log.name, Expected: "recovered from " + a.at.String(), Seen: "recovered:false, at " + at.String()})
		if at.epoch != a.at.epoch {
			a.violate(epochChange, a.at.epoch, at.String())
		}
	}
	a.at, a.floor, a.gaps = at, at.offset, nil
}

// gap takes the announcement that publications will not come. With refill they are only late.
func (a *account) gap(s span, refill bool) {
	if refill {
		return
	}
	a.log.ledger.gaps.Add(1)
	a.log.ledger.tell(violation{Client: a.client, Node: a.node, Channel: a.log.name, Expected: "what is behind " + a.at.String(),
		Seen: fmt.Sprintf("a gap after %d before %d", s.after, s.before)})
	if !a.live || s.after < a.at.offset || s.before <= s.after {
		a.violate(unexpected, "a gap behind "+a.at.String(), fmt.Sprintf("after %d before %d", s.after, s.before))
	}
	a.gaps = append(a.gaps, s)
	a.at.offset = max(a.at.offset, s.before-1)
}

// message takes a publication.
func (a *account) message(number, offset uint64) {
	l := a.log.ledger
	l.delivered.Add(1)
	at := place{a.at.epoch, offset}
	if !a.live {
		a.violate(unexpected, "subscribed, before messages", fmt.Sprintf("publication %d at %v", number, at))
		return
	}
	if offset <= a.at.offset {
		a.behind(number, at)
		return
	}
	a.log.locate(number, at, violation{Client: a.client, Node: a.node, Channel: a.log.name})
	if number <= a.number { // the position has gone back
		kind := duplicate
		if a.log.place(number) != at {
			kind = madeTwice
		}
		a.violate(kind, fmt.Sprintf("publication %d next", a.number+1), fmt.Sprintf("%d at %v", number, at))
	} else {
		a.settle(number)
		a.number = number
		a.heard.Store(number)
	}
	a.at, a.gaps = at, nil
}

// behind objects to a publication that is not behind what the client has.
func (a *account) behind(number uint64, at place) {
	kind := duplicate
	for _, m := range a.missed {
		if number > m.after && number < m.before {
			kind = disorder
		}
	}
	if number > a.number {
		kind = disorder
	}
	a.violate(kind, fmt.Sprintf("publication %d, behind %v", a.number+1, a.at), fmt.Sprintf("%d at %v", number, at))
}

// settle accounts for everything before publication next: it came, or it was told that it would not, or it was before the promise. Whoever published next had the
// acknowledgements of all those before it, so that their places are known.
func (a *account) settle(next uint64) {
	var silent, told, lowest, highest uint64
	for number := next - 1; number > a.number; number-- {
		switch p := a.log.place(number); {
		case p == (place{}):
			a.violate(unexpected, "only publications that were made", fmt.Sprint("number ", next))
			return
		case p.epoch != a.at.epoch || p.offset <= a.floor:
			if a.number > 0 { // else it is before the first promise
				told += number - a.number
			}
			number = a.number + 1
		case a.announced(p.offset):
			told++
		default:
			if lowest = number; silent == 0 {
				highest = number
			}
			silent++
		}
	}
	a.log.ledger.toldN.Add(told)
	if silent > 0 {
		a.missed = append(a.missed, span{lowest - 1, highest + 1})
		a.violate(silentGap, fmt.Sprintf("publication %d behind %v", lowest, a.at),
			fmt.Sprintf("%d; %d of %d to %d did not come, from %v to %v", next, silent, lowest, highest, a.log.place(lowest), a.log.place(highest)))
	}
}

func (a *account) announced(offset uint64) bool {
	for _, g := range a.gaps {
		if offset > g.after && offset < g.before {
			return true
		}
	}
	return false
}
