package presence

import (
	"math/rand/v2"
	"time"

	"github.com/wsedge/wsedge/internal/hub"
)

func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// run tells what is due, and makes the rounds.
func (x *Exchange) run() {
	flush, armed := time.NewTimer(time.Hour), false
	defer flush.Stop()
	round := time.NewTimer(x.nextRound())
	defer round.Stop()
	greet, greeting := time.NewTimer(time.Hour), false
	defer greet.Stop()
	hurried := false // a round begins soon, or behind the one that is being made
	for {
		select {
		case <-x.wake:
			if !armed {
				flush.Reset(gather)
				armed = true
			}
		case <-flush.C:
			if armed = x.flush(time.Now()); armed {
				flush.Reset(gather)
			}
		case <-round.C:
			if len(x.walk) == 0 {
				hurried = false
			}
			pause, over := x.step()
			if over && hurried {
				pause = rand.N(soon)
			}
			round.Reset(pause)
		case <-x.again:
			if !hurried && len(x.walk) == 0 {
				round.Reset(rand.N(soon))
			}
			hurried = true
		case <-greet.C:
			greeting = false
			x.greetAgain(time.Now())
		case <-x.done:
			return
		}
		if !greeting && len(x.greets) > 0 {
			greet.Reset(max(time.Until(x.greets[0].at), gather))
			greeting = true
		}
	}
}

// greetAgain has channels told of that were opened a while ago.
func (x *Exchange) greetAgain(now time.Time) {
	n := 0
	for n < len(x.greets) && !now.Before(x.greets[n].at) {
		x.later(x.greets[n].channel)
		n++
	}
	if x.greets = x.greets[n:]; len(x.greets) == 0 {
		x.greets = nil
	}
}

// nextRound is when it begins.
func (x *Exchange) nextRound() time.Duration {
	return x.config.Every*3/4 + rand.N(x.config.Every/2)
}

// flush tells what is due. It tells whether there is more.
func (x *Exchange) flush(now time.Time) (more bool) {
	x.mu.Lock()
	all := x.due
	x.due = nil
	x.mu.Unlock()
	var later []*hub.Channel
	for i, told := 0, 0; i < len(all); i++ {
		c := all[i]
		if o := x.opened(c.Name()); o != nil && now.Before(o.next) {
			later = append(later, c)
			continue
		}
		if told++; told > flushed {
			later = append(later, all[i:]...)
			break
		}
		x.tell(c, false, now)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.due = append(later, x.due...)
	return len(x.due) > 0
}

// step tells of some channels more of the round, begun if there is none. It tells when to go on, and whether the round is over.
func (x *Exchange) step() (pause time.Duration, over bool) {
	if len(x.walk) == 0 {
		x.round++
		x.walk = x.channels()
	}
	n := min(stepped, len(x.walk))
	now := time.Now()
	for _, c := range x.walk[:n] {
		if x.opened(c.Name()) != nil { // what was closed since has been told
			x.tell(c, true, now)
		}
	}
	if x.walk = x.walk[n:]; len(x.walk) > 0 {
		return stepGap, false
	}
	x.walk = nil
	x.failed(x.config.Cluster.Tell(topicRound, x.round))
	return x.nextRound(), true
}
