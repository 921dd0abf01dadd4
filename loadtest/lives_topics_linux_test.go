package loadtest

import (
	"strings"
	"testing"
)

// topicLives is a run with phases over five topics, spoken to by a protocol of its own.
func topicLives(t *testing.T, s *talkServer, publishers int, phases ...PhasePlan) Config {
	t.Helper()
	cfg := livesRun("ws://"+s.start(t)+"/", phases...)
	protocol, err := Recipe("centrifugo")
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := ParseTopicSizes("zipf:1")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Protocol, cfg.Topics, cfg.TopicSizes, cfg.Publishers = &protocol, 5, sizes, publishers
	return cfg
}

// TestPhasesOverTopics has connections of five topics come and go, with fewer publishers than topics and with more, so that
// topics have different numbers of streams.
func TestPhasesOverTopics(t *testing.T) {
	t.Parallel()
	for publishers, rates := range map[int]TopicRates{3: RatesUniform, 7: RatesBySize} {
		few, many := 40, 60
		cfg := topicLives(t, centrifugoLike(), publishers, PhasePlan{Name: "up", Duration: tenths(3), Conns: &many},
			PhasePlan{Name: "churn", Duration: tenths(5), Churn: 80}, PhasePlan{Name: "storm", Duration: tenths(5), Drop: 0.5, DropBy: DropReset},
			PhasePlan{Name: "down", Duration: tenths(2), Conns: &few}, PhasePlan{Name: "slow", Duration: tenths(3), Slow: 0.1, Trickle: 20000})
		cfg.Conns, cfg.Rate, cfg.TopicRates = 30, 100, rates
		r := mustRun(t, cfg)
		checkPhases(t, r)
		if r.Phases[1].Churned == 0 || r.Phases[2].Back.Count == 0 || r.Slow.Ledger.Received == 0 || !r.Slow.Ledger.clean() || r.Incomplete != 0 {
			t.Errorf("%+v\n%+v", r.Phases, r.Slow)
		}
		checkTopicClasses(t, r)
	}
}

// checkTopicClasses compares the classes with the whole.
func checkTopicClasses(t *testing.T, r *Report) {
	t.Helper()
	delivered, subscribers := int64(0), 0
	for _, c := range r.TopicClasses {
		delivered, subscribers = delivered+c.Delivered, subscribers+c.Subscribers
	}
	if r.Topics.Count != 5 || len(r.TopicClasses) != 2 || delivered != r.Latency.Count || subscribers != r.Config.Conns {
		t.Errorf("%+v of %d deliveries, %d connections", r.TopicClasses, r.Latency.Count, r.Config.Conns)
	}
}

// TestTopicsThatLoseAtAReturn has the server forget the returned subscribers of one topic, which have to be told from those of
// others.
func TestTopicsThatLoseAtAReturn(t *testing.T) {
	t.Parallel()
	s, published := centrifugoLike(), 0
	accept := s.posted
	s.posted = func(body string) (int, string) {
		const forgotten = "load-0002"
		members := s.members[forgotten]
		if strings.Contains(body, forgotten) {
			if published++; published%3 == 0 { // half of that topic's
				s.members[forgotten] = members[:len(members)/2]
			}
		}
		status, answer := accept(body)
		s.members[forgotten] = members
		return status, answer
	}
	cfg := topicLives(t, s, 5, PhasePlan{Name: "steady", Duration: tenths(4)}, PhasePlan{Name: "churn", Duration: tenths(8), Churn: 50})
	cfg.Rate, cfg.TopicRates, cfg.Drain = 200, RatesBySize, tenths(5)
	r := mustRun(t, cfg)
	if r.Verdict.OK || r.Ledger.Lost == 0 || r.Ledger.Misdelivered+r.Ledger.Duplicated+r.Ledger.Reordered > 0 || r.Phases[0].Lost == 0 ||
		r.Phases[0].Lost+r.Phases[1].Lost != r.Ledger.Lost || r.Incomplete == 0 {
		t.Errorf("%+v\n%+v", r.Ledger, r.Phases)
	}
}

// TestPhasesOverTopicsInProcesses has workers that know of other connections only what the numbers tell.
func TestPhasesOverTopicsInProcesses(t *testing.T) {
	t.Parallel()
	cfg := topicLives(t, centrifugoLike(), 7, PhasePlan{Name: "churn", Duration: tenths(5), Churn: 80}, PhasePlan{Name: "storm", Duration: tenths(8), Drop: 1})
	cfg.Processes, cfg.WorkerCommand = 3, testWorkerCommand()
	r := mustRun(t, cfg)
	checkPhases(t, r)
	if r.Phases[0].Churned == 0 || r.Phases[1].Back.Count == 0 || r.Config.Processes != 3 {
		t.Errorf("%+v", r.Phases)
	}
	checkTopicClasses(t, r)
}
