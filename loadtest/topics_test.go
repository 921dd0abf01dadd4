package loadtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestTopicSizes(t *testing.T) {
	cases := []struct {
		text          string
		conns, topics int
		want          []int
	}{
		{"uniform", 10, 3, []int{4, 3, 3}},
		{"", 3, 3, []int{1, 1, 1}},
		{"zipf:1", 14, 4, []int{6, 3, 3, 2}},
		{"zipf:2", 100, 3, []int{72, 19, 9}},
		{"zipf:10", 1000, 3, []int{997, 2, 1}},
		{"uniform", 7, 1, []int{7}},
	}
	for _, c := range cases {
		s, err := ParseTopicSizes(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.shareOut(c.conns, c.topics); !slices.Equal(got, c.want) {
			t.Errorf("%s of %d over %d: got %v, want %v", c.text, c.conns, c.topics, got, c.want)
		}
	}
	for _, text := range []string{"zipf", "zipf:0", "zipf:-1", "zipf:NaN", "zipf:11", "zipf:x", "uniform:1", "pareto"} {
		if _, err := ParseTopicSizes(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestEveryConnectionHasATopic checks, for many shapes, that sizes add up, that each topic has its subscribers, and that the
// largest is spread over all of the connections.
func TestEveryConnectionHasATopic(t *testing.T) {
	for _, text := range []string{"uniform", "zipf:0.5", "zipf:1", "zipf:3"} {
		s, err := ParseTopicSizes(text)
		if err != nil || s.String() != text {
			t.Fatalf("%s: %s, %v", text, s, err)
		}
		for _, conns := range []int{1, 2, 3, 10, 999, 1000} {
			for _, topics := range []int{1, 2, 3, 10, 999, 1000} {
				if topics > conns {
					continue
				}
				sizes := s.shareOut(conns, topics)
				m := newTopicMap(sizes)
				got := make([]int, topics)
				firstHalf := 0
				for i := range conns {
					topic := m.of(i)
					got[topic]++
					if topic == 0 && i < conns/2 {
						firstHalf++
					}
				}
				if !slices.Equal(got, sizes) || slices.Min(sizes) < 1 {
					t.Errorf("%s, %d conns, %d topics: the sizes are %v, want %v", text, conns, topics, got, sizes)
				}
				if off, some := 2*firstHalf-sizes[0], 5+sizes[0]/10; off < -some || off > some {
					t.Errorf("%s, %d conns, %d topics: %d of the %d largest topic's subscribers are in the first half", text, conns, topics, firstHalf, sizes[0])
				}
			}
		}
	}
}

// TestStreams checks for all small numbers that each publication has one stream, each stream one topic and one publisher, and
// each subscriber a column for each stream of its topic.
func TestStreams(t *testing.T) {
	for publishers := 1; publishers <= 9; publishers++ {
		for topics := 1; topics <= 9; topics++ {
			p := topicPlan{Channel: "c", Sizes: make([]int, topics), Publishers: publishers}
			name := fmt.Sprintf("%d publishers, %d topics", publishers, topics)
			perTopic, perPublisher := make([]int, topics), map[[2]int]bool{}
			for stream := range p.streams() {
				perTopic[stream%topics]++
				if column := stream / topics; column >= p.columns() {
					t.Errorf("%s: stream %d would be in column %d of %d", name, stream, column, p.columns())
				}
				publisher, index := p.publisherOf(stream)
				if perPublisher[[2]int{publisher, index}] = true; publisher >= publishers {
					t.Errorf("%s: stream %d is of publisher %d", name, stream, publisher)
				}
			}
			if len(perPublisher) != p.streams() {
				t.Errorf("%s: two streams are the same of a publisher's", name)
			}
			for topic, n := range perTopic {
				if n != p.streamsOf(topic) || n == 0 {
					t.Errorf("%s: topic %d has %d streams, not %d", name, topic, n, p.streamsOf(topic))
				}
			}
			l := newLedger(topics, p.columns())
			l.withTopics(topics, make([]uint32, topics))
			for topic := range l.topicOf {
				l.topicOf[topic] = uint32(topic)
				for column := range p.streamsOf(topic) {
					if stream := l.stream(topic, column); stream%topics != topic || stream/topics != column || stream >= p.streams() {
						t.Errorf("%s: column %d of topic %d is about stream %d", name, column, topic, stream)
					}
				}
				if p.streamsOf(topic) < p.columns() && l.stream(topic, p.streamsOf(topic)) < p.streams() {
					t.Errorf("%s: topic %d has one more column", name, topic)
				}
			}
		}
	}
}

func TestTopicNames(t *testing.T) {
	one, many := topicPlan{Channel: "load", Sizes: []int{1}}, topicPlan{Channel: "load", Sizes: make([]int, 2)}
	if one.name(0) != "load" || many.name(0) != "load-0001" || many.name(9999) != "load-10000" {
		t.Errorf("%s, %s, %s", one.name(0), many.name(0), many.name(9999))
	}
}

func TestTopicConfig(t *testing.T) {
	for topics, want := range map[int]int{0: 1, 1: 1, 20: 20, 500: 64} {
		cfg := Config{Scenario: Fanout, Topics: topics, Conns: 1000}.withDefaults()
		if err := cfg.validate(); err != nil || cfg.Publishers != want {
			t.Errorf("%d topics: %d publishers, want %d, %v", topics, cfg.Publishers, want, err)
		}
	}
	bad := Config{Scenario: Echo, Topics: 2000, TopicRates: "fair", PublishBy: "pigeon", Protocol: &Protocol{Split: "comma", Setup: []SetupStep{{}}}}.withDefaults()
	text := ""
	if err := bad.validate(); err != nil {
		text = err.Error()
	}
	for _, want := range []string{"topics must be 1 to", "an echo has no topics", `not "fair"`, `not "pigeon"`, "protocol: setup: step 1", "protocol: split"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing about %s in\n%s", want, text)
		}
	}
}
