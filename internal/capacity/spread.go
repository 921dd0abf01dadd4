package capacity

import "math"

// spread is what a demand comes to, before it is known how many nodes there are: channels by classes of about the same popularity.
type spread struct {
	classes    []class
	deliveries float64 // a second
}

// class is some channels that are alike.
type class struct {
	channels    float64
	subscribers float64 // of each
	rate        float64 // publications a second of each
}

// spreadOf puts channels into classes: by Zipf's law the n-th has a weight of 1/n^skew, for subscribers and publications. No channel has more subscribers than there
// are connections; what is over goes to the others.
func spreadOf(d *Demand) *spread {
	var s spread
	var weights float64
	// Ranks are taken together in steps of 2 %, so that 100 million channels are 1,500 classes. A class has the mean of its weights, by the integral.
	for first := int64(1); first <= d.Channels; {
		next := max(first+1, int64(float64(first)*1.02))
		next = min(next, d.Channels+1)
		n := float64(next - first)
		w := weight(float64(first), float64(next), d.Skew) / n
		s.classes = append(s.classes, class{channels: n, rate: w})
		weights += w * n
		first = next
	}
	left, over := float64(d.Conns)*d.PerConn, weights
	for i := range s.classes { // the most popular come first, and are full first
		c := &s.classes[i]
		w := c.rate
		c.subscribers = min(left*w/over, float64(d.Conns))
		left -= c.subscribers * c.channels
		over -= w * c.channels
		c.rate = d.Rate * w / weights
		s.deliveries += c.channels * c.rate * c.subscribers
	}
	return &s
}

// weight is that of the ranks from first to before next.
func weight(first, next, skew float64) float64 {
	if next-first <= 1 {
		return math.Pow(first, -skew)
	}
	if skew == 1 {
		return math.Log((next - 0.5) / (first - 0.5))
	}
	return (math.Pow(next-0.5, 1-skew) - math.Pow(first-0.5, 1-skew)) / (1 - skew)
}

// heard is how many publications a second are sent to nodes, in all, when connections are spread over so many of them by chance: a node hears those of channels that one of its connections has.
// Of n nodes, k subscribers leave each without any with the probability (1-1/n)^k.
func (s *spread) heard(nodes int64) (n float64) {
	for _, c := range s.classes {
		n += c.channels * c.rate * float64(nodes) * (1 - math.Pow(1-1/float64(nodes), c.subscribers))
	}
	return n
}

// largest is how many subscribers the most popular channel has.
func (s *spread) largest() float64 { return s.classes[0].subscribers }
