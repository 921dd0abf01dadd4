package broker_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// modelCursors are what users have acknowledged, by user.
type modelCursors map[string]*modelCursor

type modelCursor struct {
	offset uint64
	holds  int
	turn   int // of its last use, while nobody holds it
	used   time.Time
}

// modelHold is a subscription: what it holds in the engine, and in the model.
type modelHold struct {
	hold   broker.Hold
	user   string
	cursor *modelCursor
}

// longestAway is the user whom nobody holds and who was there longest ago; "" if all are held.
func (all modelCursors) longestAway() (user string) {
	for u, c := range all {
		if c.holds == 0 && (user == "" || c.turn < all[user].turn) {
			user = u
		}
	}
	return user
}

// fit is what becomes of them when there may be so many.
func (all modelCursors) fit(n int) {
	if n == 0 {
		clear(all)
	}
	for len(all) > n && all.longestAway() != "" {
		delete(all, all.longestAway())
	}
}

// keep tells whether the log must be kept for them.
func (all modelCursors) keep(now time.Time, age time.Duration) bool {
	for _, c := range all {
		if c.holds > 0 || age == 0 || now.Sub(c.used) < age {
			return true
		}
	}
	return false
}

// makeCursor makes a cursor, if there may be one more.
func (r *modelRun) makeCursor(user string, offset uint64) *modelCursor {
	all, n := r.model.cursors, r.model.retention.Cursors
	if user == "" || n == 0 {
		return nil
	}
	if len(all) >= n {
		away := all.longestAway()
		if away == "" {
			return nil
		}
		delete(all, away)
	}
	all[user] = &modelCursor{offset: offset}
	r.rest(all[user])
	return all[user]
}

// rest is what becomes of a cursor that nobody holds when it was used.
func (r *modelRun) rest(c *modelCursor) {
	r.number++
	c.turn, c.used = r.number, r.clock.now
}

// user is one of a few more than have cursors at a time, or nobody.
func (r *modelRun) user() string {
	if n := r.rng.IntN(9); n > 0 {
		return fmt.Sprint("user", n)
	}
	return ""
}

func (r *modelRun) acknowledge() {
	m, user := r.model, r.user()
	offset := uint64(r.rng.IntN(len(m.all) + 3))
	err := brokertest.Acknowledge(r.log, user, offset)
	if ahead := offset > uint64(len(m.all)); ahead != errors.Is(err, broker.ErrAhead) || !ahead && err != nil {
		r.t.Fatalf("%s acknowledges %d of %d: %v", user, offset, len(m.all), err)
	}
	switch c := m.cursors[user]; {
	case err != nil:
	case c == nil:
		r.makeCursor(user, offset)
	default:
		c.offset = max(c.offset, offset)
		if c.holds == 0 {
			r.rest(c)
		}
	}
}

// comeBack has a user begin a subscription: it gets all that was not acknowledged, or nothing.
func (r *modelRun) comeBack() {
	m, user := r.model, r.user()
	q := broker.RecoverQuery{Since: r.since(), MaxBytes: 1000, User: user} // as Return asks
	past, hold, at := brokertest.Return(r.t, r.log, user, q.Since)
	c, asked := m.cursors[user], q.Since
	own := asked != nil && c != nil && (asked.Epoch != m.epoch || asked.Offset < c.offset)
	if c != nil && !own {
		q.Since = &broker.Position{Epoch: m.epoch, Offset: c.offset}
	}
	exact, data := m.recover(q)
	r.compare(q, past, exact, data)
	if (past.Cursor == nil) != (c == nil) || c != nil && *past.Cursor != c.offset {
		r.t.Fatalf("%s: cursor %v, want %+v", user, past.Cursor, c)
	}
	switch {
	case c == nil && exact:
		c = r.makeCursor(user, asked.Offset)
	case c == nil:
		c = r.makeCursor(user, uint64(len(m.all)))
	case !exact && !own:
		c.offset = uint64(len(m.all))
	}
	if c == nil {
		if hold != nil {
			r.t.Fatalf("%s has a cursor at %d", user, at)
		}
		return
	}
	if hold == nil || at != int64(c.offset) {
		r.t.Fatalf("%s: cursor at %d, want %+v", user, at, c)
	}
	c.holds++
	r.holds = append(r.holds, modelHold{hold, user, c})
}

// goAway ends one of the subscriptions.
func (r *modelRun) goAway() {
	if len(r.holds) == 0 {
		return
	}
	i := r.rng.IntN(len(r.holds))
	h := r.holds[i]
	r.holds = append(r.holds[:i], r.holds[i+1:]...)
	h.hold.Release()
	if r.model.cursors[h.user] != h.cursor {
		return
	}
	if h.cursor.holds--; h.cursor.holds == 0 {
		r.rest(h.cursor)
		r.model.cursors.fit(r.model.retention.Cursors)
	}
}
