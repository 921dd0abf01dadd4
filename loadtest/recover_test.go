package loadtest

import (
	"strings"
	"testing"
)

func TestRecoverIsChecked(t *testing.T) {
	good, _ := Recipe("wsedge")
	for _, c := range []struct {
		change func(p *Protocol)
		want   []string
	}{
		{func(p *Protocol) { *p.Recover = Recover{} }, []string{
			"recover: no path of the epoch in that reply", "recover: no path of the offset in that reply", "recover: message: no path",
			"recover: send: must have {{epoch}} and {{offset}}", "recover: recovered: a rule needs",
		}},
		{func(p *Protocol) { p.Recover.Send = "{{epoch}} {{payload}}" }, []string{"recover: send: unknown variable {{payload}}"}},
		{func(p *Protocol) { p.Recover.List = &RecoveredList{Path: "a"} }, []string{"recover: list: needs path and offset"}},
		{func(p *Protocol) { p.Setup = append(p.Setup, SetupStep{Send: "hello"}) }, []string{"recover: the last step of the setup must be the subscription"}},
		{func(p *Protocol) { p.Setup = nil }, []string{"recover: the last step of the setup must be the subscription"}},
		{func(p *Protocol) { p.Setup[0].Expect, p.Setup[0].Refused = nil, nil }, []string{"recover: the last step of the setup must be the subscription"}},
		{func(p *Protocol) { p.Setup[0].Send = "{{epoch}}" }, []string{"unknown variable {{epoch}}"}},
	} {
		p := good
		recover, steps := *good.Recover, append([]SetupStep(nil), good.Setup...)
		p.Recover, p.Setup = &recover, steps
		c.change(&p)
		err := p.Validate()
		if err == nil {
			t.Errorf("want %q", c.want)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
	}
}

func TestRecoveryNeedsPhasesAndAProtocol(t *testing.T) {
	phases := []PhasePlan{{Name: "storm", Duration: 1, Drop: 1}}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Scenario: Fanout, URL: "ws://h/ws"}, "recovery is for runs with phases"},
		{Config{Scenario: Fanout, URL: "ws://h/ws", NoSubscribe: true, Phases: phases}, "without subscriptions there is nothing to recover"},
		{Config{Scenario: Fanout, URL: "ws://h/ws/raw", Phases: phases}, "protocol raw does not say how to recover"},
		{Config{Scenario: Fanout, URL: "ws://h/ws", Phases: phases}, ""},
	} {
		c.cfg.Recover = true
		if err := c.cfg.Check(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
