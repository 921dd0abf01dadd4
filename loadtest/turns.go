package loadtest

// turns says which stream the next publication belongs to. It belongs to one goroutine.
type turns struct {
	plan  *topicPlan
	taken []int // by topic: publications so far
	// order is a heap of topics, by when their next publication is due on a scale of their own, where topics are not served
	// in turns: a topic of twice the size comes round twice as often, as evenly as can be.
	order []dueTopic
	next  int // topic, where they are
}

// dueTopic is a topic and the time of its next publication. Equal times are told apart by the number, so that equal plans
// give equal orders.
type dueTopic struct {
	at    float64
	topic int
}

func (d dueTopic) before(o dueTopic) bool { return d.at < o.at || d.at == o.at && d.topic < o.topic }

func newTurns(plan *topicPlan, rates TopicRates) *turns {
	t := &turns{plan: plan, taken: make([]int, plan.count())}
	if rates == RatesBySize && plan.count() > 1 {
		t.order = make([]dueTopic, plan.count())
		for topic, size := range plan.Sizes { // largest first: that is a heap already
			t.order[topic] = dueTopic{0.5 / float64(size), topic}
		}
	}
	return t
}

// stream is that of the next publication. A topic's streams take turns.
func (t *turns) stream() int {
	topic := t.topic()
	nth := t.taken[topic]
	t.taken[topic]++
	return topic + t.plan.count()*(nth%t.plan.streamsOf(topic))
}

func (t *turns) topic() int {
	if t.order == nil {
		topic := t.next
		t.next = (t.next + 1) % t.plan.count()
		return topic
	}
	topic := t.order[0].topic
	t.order[0].at += 1 / float64(t.plan.Sizes[topic])
	t.sink()
	return topic
}

// sink brings the heap in order again after its first has become later.
func (t *turns) sink() {
	for at := 0; ; {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(t.order); child++ {
			if t.order[child].before(t.order[least]) {
				least = child
			}
		}
		if least == at {
			return
		}
		t.order[at], t.order[least] = t.order[least], t.order[at]
		at = least
	}
}
