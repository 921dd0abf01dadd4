package webhook

import "reflect"

// settings are what a client asks and tells by. A reload makes new ones, all at once; what is under way ends with those that it began with.
type settings struct {
	// Immutable.
	config Config
	events [len(events)]bool
	sender *sender

	// Guarded by the client's mu.
	breaker breaker
	uses    int  // questions and attempts to tell under way
	retired bool // there are newer ones
}

func newSettings(cfg Config) *settings {
	s := &settings{config: cfg, sender: newSender(&cfg)}
	for _, e := range cfg.Events {
		s.events[e] = true
	}
	return s
}

// policy is what happens where nobody has decided.
func (s *settings) policy(e Event) Verdict {
	for _, allowed := range s.config.OnFailure.Allow {
		if e == allowed {
			return Verdict{Allow: true, Failed: true}
		}
	}
	return Verdict{Failed: true, Code: codeUnavailable, Message: "try again later"}
}

// release says that one use has ended. Called with the client's mu held.
func (s *settings) release() {
	if s.uses--; s.uses == 0 && s.retired {
		s.sender.close()
	}
}

// Reconfigure has the client go by a configuration that has passed Check, for all that is asked and told from now on; the bounds, TLS and
// Logger stay. What is under way ends with the settings that it began with, and so may, for once, wait as long as the longer of two
// timeouts; clients' ends that wait to be told, or to be told again, go to the new URL. A circuit that is open stays so unless the URL is
// another.
func (c *Client) Reconfigure(cfg Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.current.Load()
	next := old.config
	next.URL, next.Events, next.Secret, next.AllowNets = cfg.URL, cfg.Events, cfg.Secret, cfg.AllowNets
	next.Timeout, next.OnFailure, next.Headers = cfg.Timeout, cfg.OnFailure, cfg.Headers
	next = next.withDefaults()
	if c.closed || reflect.DeepEqual(next, old.config) {
		return
	}
	s := newSettings(next)
	if next.URL == old.config.URL {
		s.breaker = old.breaker
		s.breaker.trying = false // the answer to the trial comes to the old ones
	}
	c.current.Store(s)
	old.retired = true
	old.uses++
	old.release() // for the case that nothing is under way
}
