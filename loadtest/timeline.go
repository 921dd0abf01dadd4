package loadtest

import "github.com/HdrHistogram/hdrhistogram-go"

// timeline joins what the workers say of each second of a run. A worker speaks when its own clock passes a whole second, and
// all read the same clock, so that a second holds what was measured in it, whichever worker is the first to speak.
type timeline struct {
	members []memberSeconds
	closed  int // the seconds before this one
}

// memberSeconds is what one worker has said.
type memberSeconds struct {
	state   progress // at the end of the last closed second
	waiting []toldSecond
}

type toldSecond struct {
	progress
	latency []byte
}

func newTimeline(members int) *timeline {
	return &timeline{members: make([]memberSeconds, members)}
}

// take notes that a member has closed all seconds before p.Second, or, where that is 0, that it has ended.
func (t *timeline) take(member int, p progress, latency []byte) {
	m := &t.members[member]
	m.waiting = append(m.waiting, toldSecond{p, latency})
}

// complete says whether the next second can be closed: somebody has spoken about it, and the others have, too, or have
// ended. One that was held up for several seconds speaks about all of them at once.
func (t *timeline) complete() bool {
	spoken := false
	for _, m := range t.members {
		if len(m.waiting) == 0 {
			return false
		}
		last := m.waiting[len(m.waiting)-1].Second
		if last != 0 && last <= t.closed {
			return false
		}
		spoken = spoken || last != 0
	}
	return spoken
}

// next closes the next second with what has been said about it, and returns the state at its end and what was measured in
// it. What members say later goes into later seconds.
func (t *timeline) next() (total progress, latency *hdrhistogram.Histogram, err error) {
	t.closed++
	return t.drain(func(p progress) bool { return p.Second != 0 && p.Second <= t.closed })
}

// rest closes the timeline with everything else that was said.
func (t *timeline) rest() (total progress, latency *hdrhistogram.Histogram, err error) {
	return t.drain(func(progress) bool { return true })
}

func (t *timeline) drain(due func(progress) bool) (total progress, latency *hdrhistogram.Histogram, err error) {
	latency = newHistogram()
	for i := range t.members {
		m := &t.members[i]
		for len(m.waiting) > 0 && due(m.waiting[0].progress) {
			told := m.waiting[0]
			m.waiting, m.state = m.waiting[1:], told.progress
			if err := mergeEncoded(latency, told.latency); err != nil {
				return total, latency, err
			}
		}
		total.add(m.state)
	}
	return total, latency, nil
}
