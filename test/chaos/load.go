package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Of the channels one in five is a crowd's: most clients have two of them, and they are quiet. The others are busy, and have few subscribers: so a machine can carry
// many publications to many clients.
const (
	crowdOf     = 5  // channels to one of a crowd
	crowdRounds = 8  // of a busy channel, to one of a crowd
	fewMost     = 10 // subscribers of a busy channel
)

// size is how much load there is.
type size struct {
	clients, channels int
	rate              float64       // publications a second, of all channels together
	stay              time.Duration // how long clients keep a connection, on average; 0: for ever
	serve             time.Duration // how long the clients of a node that died may be without service
}

// load is the clients and publishers of one topology.
type load struct {
	ledger     *ledger
	serve      time.Duration // see size; immutable
	clients    []*client
	publishers []*publisher

	end     context.CancelFunc // of the clients
	clientG sync.WaitGroup
	quit    chan struct{} // closed: the publishers are done
	publG   sync.WaitGroup
}

// channelNames are the crowds' first.
func channelNames(n int) (crowds, busy []string) {
	for i := range n {
		if i < n/crowdOf {
			crowds = append(crowds, fmt.Sprintf("crowd-%d", i))
		} else {
			busy = append(busy, fmt.Sprintf("busy-%d", i))
		}
	}
	return crowds, busy
}

// newLoad makes the clients and publishers; nothing runs yet. run is a word that no other run on the same engine has.
func newLoad(run string, seed uint64, s size, nodes []node) *load {
	crowds, busy := channelNames(s.channels)
	l := &load{ledger: newLedger(append(append([]string(nil), crowds...), busy...)), quit: make(chan struct{}), serve: s.serve}
	random := rand.New(rand.NewPCG(seed, 3<<32))
	few := max(2, min(fewMost, s.clients/len(busy)/2))
	for i := range s.clients {
		first := random.IntN(len(crowds))
		second := crowds[(first+1+random.IntN(len(crowds)-1))%len(crowds)]
		if i < few*len(busy) {
			second = busy[i%len(busy)]
		}
		c := newClient(i, seed, nodes, l.ledger, []string{crowds[first], second})
		c.stay = s.stay
		l.clients = append(l.clients, c)
	}
	rounds := s.rate / (float64(len(busy)) + float64(len(crowds))/crowdRounds)
	for i, crowd := range crowds {
		p := newPublisher(run, i, seed, nodes, rounds)
		p.add(l.ledger.channels[crowd], crowdRounds)
		for k := i; k < len(busy); k += len(crowds) {
			p.add(l.ledger.channels[busy[k]], 1)
		}
		l.publishers = append(l.publishers, p)
	}
	return l
}

// add gives a publisher one more channel, which has its turn each so many rounds.
func (p *publisher) add(c *channelLog, every int) {
	p.channels, p.every = append(p.channels, c), append(p.every, every)
}

// start connects the clients, at most 1,000 a second, and then has the publishers publish.
func (l *load) start(ctx context.Context) error {
	clients, end := context.WithCancel(ctx)
	l.end = end
	for i, c := range l.clients {
		l.clientG.Go(func() { c.run(clients) })
		if i%10 == 9 {
			pause10ms(ctx)
		}
	}
	if !l.await(ctx, func() bool { return l.without() == 0 }) {
		return fmt.Errorf("%d of %d clients are not subscribed", l.without(), len(l.clients))
	}
	for _, p := range l.publishers {
		l.publG.Go(func() { p.publish(ctx, l.quit) })
	}
	return nil
}

func pause10ms(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond):
	}
}

// await polls until ok, and gives up after as long as is bearable.
func (l *load) await(ctx context.Context, ok func() bool) bool {
	for end := time.Now().Add(bearable); !ok(); pause10ms(ctx) {
		if time.Now().After(end) || ctx.Err() != nil {
			return false
		}
	}
	return true
}

// without is how many clients have never been subscribed to all that they want.
func (l *load) without() (n int) {
	for _, c := range l.clients {
		if c.ready.Load() == 0 {
			n++
		}
	}
	return n
}

// balance moves clients from full nodes to others: whoever died has no clients otherwise, and nobody would notice the next time.
func (l *load) balance(nodes int) {
	counts := make([]int, nodes)
	for _, c := range l.clients {
		if at := c.at.Load(); at >= 0 {
			counts[at]++
		}
	}
	fair := len(l.clients)/nodes + 1
	for _, c := range l.clients {
		at := c.at.Load()
		if at < 0 || counts[at] <= fair {
			continue
		}
		for to := range counts {
			if counts[to] < fair {
				counts[at]--
				counts[to]++
				c.move(to)
				break
			}
		}
	}
}

// marks are the first publications that will be sent from now on, by channel.
func (l *load) marks() map[string]uint64 {
	marks := make(map[string]uint64)
	for name, c := range l.ledger.channels {
		marks[name] = c.issued.Load() + 1
	}
	return marks
}

// accepted says whether all that marks name is acknowledged.
func (l *load) accepted(marks map[string]uint64) bool {
	for name, c := range l.ledger.channels {
		if c.acked.Load() < marks[name] {
			return false
		}
	}
	return true
}

// finish ends the publishers, waits until the clients have everything, ends them, and accounts for what they don't have.
func (l *load) finish(ctx context.Context) {
	close(l.quit)
	l.publG.Wait()
	last := make(map[string]uint64)
	for name, c := range l.ledger.channels {
		last[name] = c.acked.Load()
	}
	l.await(ctx, func() bool {
		for _, c := range l.clients {
			if !c.heard(last) {
				return false
			}
		}
		return true
	})
	l.end()
	l.clientG.Wait()
	for _, c := range l.clients {
		for name, a := range c.accounts {
			if !a.known {
				a.violate(notServed, "a subscription", "none, all the time")
			} else if ctx.Err() == nil {
				a.settle(last[name] + 1)
			}
		}
	}
}
