package loadtest

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// TopicSizes says how the subscribers are spread over the topics. The zero value spreads them evenly.
type TopicSizes struct {
	exponent float64 // of Zipf's law; 0: even
}

// maxExponent leaves the second topic a thousandth of the first.
const maxExponent = 10

// ParseTopicSizes reads one of
//
//	uniform    all alike
//	zipf:S     the nth largest has subscribers in proportion to 1/n^S (Zipf's law); S is above 0
//
// An empty text is uniform.
func ParseTopicSizes(text string) (TopicSizes, error) {
	name, value, hasValue := strings.Cut(text, ":")
	switch {
	case (name == "" || name == "uniform") && !hasValue:
		return TopicSizes{}, nil
	case name == "zipf":
		s, err := strconv.ParseFloat(value, 64)
		if err == nil && s > 0 && s <= maxExponent {
			return TopicSizes{exponent: s}, nil
		}
	}
	return TopicSizes{}, fmt.Errorf("topic sizes %q: want uniform, or zipf:S with S above 0 and up to %d", text, maxExponent)
}

// String is what ParseTopicSizes reads.
func (s TopicSizes) String() string {
	if s.exponent == 0 {
		return "uniform"
	}
	return "zipf:" + strconv.FormatFloat(s.exponent, 'g', -1, 64)
}

// TopicRates says how publications are spread over the topics.
type TopicRates string

// The ways to spread publications.
const (
	// RatesUniform publishes to all topics in turns; it is the default.
	RatesUniform TopicRates = "uniform"
	// RatesBySize publishes to each topic in proportion to its subscribers.
	RatesBySize TopicRates = "size"
)

// shareOut spreads conns over topics, largest first: each topic gets one, and the rest goes in proportion to the weights, by
// the largest remainder, so that the sum is right.
func (s TopicSizes) shareOut(conns, topics int) []int {
	weights, total := make([]float64, topics), 0.0
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -s.exponent)
		total += weights[i]
	}
	sizes, remainders := make([]int, topics), make([]float64, topics)
	rest := conns - topics
	left := rest
	for i, w := range weights {
		exact := float64(rest) * w / total
		whole := min(int(exact), left)
		sizes[i], remainders[i] = 1+whole, exact-float64(whole)
		left -= whole
	}
	order := make([]int, topics)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case remainders[a] > remainders[b]:
			return -1
		case remainders[a] < remainders[b]:
			return 1
		}
		return 0
	})
	for i := range left {
		sizes[order[i%topics]]++
	}
	slices.SortFunc(sizes, func(a, b int) int { return b - a }) // two equal weights may differ by one
	return sizes
}

// topicPlan says which topics there are, who is subscribed to them, and which streams they are made of: a stream is what one
// publisher publishes to one topic, and has sequences of its own.
//
// Where there are no more topics than publishers, each publisher has one stream: publisher p is of topic p mod topics. Where
// there are more, each topic has one stream, of publisher t mod publishers. Either way, stream s is of topic s mod topics
// and publisher s mod publishers.
type topicPlan struct {
	Channel    string // the only topic's name, or what all names begin with
	Sizes      []int  // subscribers by topic, largest first
	Publishers int
}

func newTopicPlan(c Config, channel string) topicPlan {
	return topicPlan{Channel: channel, Sizes: c.TopicSizes.shareOut(c.Conns, c.Topics), Publishers: c.Publishers}
}

func (p *topicPlan) count() int { return len(p.Sizes) }

// streams is how many there are.
func (p *topicPlan) streams() int { return max(p.Publishers, p.count()) }

// columns is the most streams that a topic has: a subscriber's accounts.
func (p *topicPlan) columns() int { return (p.streams() + p.count() - 1) / p.count() }

// streamsOf is how many streams a topic has: topic, topic + count, topic + 2·count …
func (p *topicPlan) streamsOf(topic int) int {
	return (p.streams() - topic + p.count() - 1) / p.count()
}

// publisherOf is who publishes a stream, and the number of that stream among its publisher's.
func (p *topicPlan) publisherOf(stream int) (publisher, index int) {
	return stream % p.Publishers, stream / p.Publishers
}

// name is the channel of a topic: load for a single one, load-0001 and so on for several.
func (p *topicPlan) name(topic int) string {
	if p.count() == 1 {
		return p.Channel
	}
	return fmt.Sprintf("%s-%04d", p.Channel, topic+1)
}

// topicMap tells the topic of each connection.
type topicMap struct {
	ends   []int // by topic: the subscribers of all topics up to it
	stride int
}

// newTopicMap spreads each topic's subscribers evenly over the connections, and with them over loops and processes, as the
// multiples of the golden section are: connection i takes the seat i·stride, the stride having no divisor in common with the
// number of seats.
func newTopicMap(sizes []int) topicMap {
	m := topicMap{ends: make([]int, len(sizes)), stride: 1}
	total := 0
	for i, size := range sizes {
		total += size
		m.ends[i] = total
	}
	if len(sizes) > 1 {
		m.stride = max(1, int(float64(total)*(math.Sqrt(5)-1)/2))
		for commonDivisor(m.stride, total) != 1 {
			m.stride++
		}
	}
	return m
}

// of is the topic of a connection, given by its number within the run.
func (m *topicMap) of(conn int) int {
	if len(m.ends) == 1 {
		return 0
	}
	total := m.ends[len(m.ends)-1]
	seat := int(int64(conn) * int64(m.stride) % int64(total))
	return sort.SearchInts(m.ends, seat+1)
}

func commonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
