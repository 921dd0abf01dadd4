package presence

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/wsedge/wsedge/internal/hub"
)

func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// run tells what is due, and makes digests and rounds.
func (x *Exchange) run() {
	var flush, walk, greet alarm
	flush.init()
	walk.init()
	greet.init()
	tick := time.NewTimer(x.nextTick())
	defer tick.Stop()
	for {
		select {
		case <-x.wake:
			flush.set(gather)
		case <-flush.C:
			flush.on = false
			if x.flush(time.Now()) {
				flush.set(gather)
			}
		case <-tick.C:
			if x.ticks++; x.ticks%fullEvery == 0 {
				x.want(nil)
			} else if x.walk == nil {
				x.tellDigests()
			}
			tick.Reset(x.nextTick())
		case <-x.again:
			walk.set(rand.N(soon))
		case <-walk.C:
			walk.on = false
			if x.step() {
				walk.set(stepGap)
			}
		case <-greet.C:
			greet.on = false
			x.greetAgain(time.Now())
		case <-x.done:
			flush.Stop()
			walk.Stop()
			greet.Stop()
			return
		}
		if len(x.greets) > 0 {
			greet.set(max(time.Until(x.greets[0].at), gather))
		}
	}
}

// alarm is a timer that is set once until it has gone off.
type alarm struct {
	*time.Timer
	on bool
}

func (a *alarm) init() {
	a.Timer = time.NewTimer(time.Hour)
	a.Stop()
}

func (a *alarm) set(d time.Duration) {
	if !a.on {
		a.Reset(d)
		a.on = true
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

// nextTick is how long it is until the next digests.
func (x *Exchange) nextTick() time.Duration {
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

// step tells of some channels more of the round, begun with those that are wanted if there is none. It tells whether there is more to tell.
func (x *Exchange) step() (more bool) {
	if x.walk == nil {
		if x.walked = x.takeWanted(); x.walked == nil {
			return false
		}
		x.round++
		x.walk = slices.DeleteFunc(x.channels(), func(c *hub.Channel) bool { return !x.walked.has(bucketOf(nameHash(c.Name()))) })
	}
	n := min(stepped, len(x.walk))
	now := time.Now()
	for _, c := range x.walk[:n] {
		if x.opened(c.Name()) != nil { // what was closed since has been told
			x.tell(c, true, now)
		}
	}
	if x.walk = x.walk[n:]; len(x.walk) > 0 {
		return true
	}
	x.walk = nil
	x.failed(x.config.Cluster.Tell(topicRound, roundEnd{x.round, x.walked}))
	return true // there may have come who want others
}
