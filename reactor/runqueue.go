package reactor

// runQueue holds the groups that have something to send, in two lanes that are served by turns: those that have not begun with it,
// and those in the midst of it. So what is new waits for one turn of what is large, however many large topics there are, and a
// stream of what is new cannot keep a large topic from going on. Each lane is first come, first served.
type runQueue struct {
	fresh, going lane
	goingNext    bool
}

// lane is a queue.
type lane struct {
	groups []*group
	head   int
}

func (q *runQueue) len() int { return q.fresh.len() + q.going.len() }

// push puts a group in its lane, unless it is queued, or waits for the gap of its form to pass.
func (q *runQueue) push(g *group) {
	if g.queued || g.paused {
		return
	}
	g.queued = true
	if g.batch.shared == nil {
		q.fresh.push(g)
	} else {
		q.going.push(g)
	}
}

// pop takes the group whose turn it is. There is one.
func (q *runQueue) pop() *group {
	from := &q.fresh
	if q.fresh.len() == 0 || q.goingNext && q.going.len() > 0 {
		from = &q.going
	}
	q.goingNext = from == &q.fresh
	g := from.pop()
	g.queued = false
	return g
}

func (l *lane) len() int { return len(l.groups) - l.head }

func (l *lane) push(g *group) { l.groups = append(l.groups, g) }

func (l *lane) pop() *group {
	g := l.groups[l.head]
	l.groups[l.head] = nil
	l.head++
	if l.head == len(l.groups) {
		l.groups, l.head = l.groups[:0], 0
	}
	return g
}
