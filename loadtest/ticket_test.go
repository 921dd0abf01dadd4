package loadtest

import (
	"strings"
	"testing"
	"time"
)

func TestTicketsNeedAProtocol(t *testing.T) {
	phases := []PhasePlan{{Name: "storm", Duration: time.Second, Drop: 1}}
	base := Config{Scenario: Fanout, URL: "ws://h/ws", Phases: phases, Recover: true}
	foreign, _ := Recipe("centrifugo")
	wrong, _ := Recipe("wsedge")
	wrong.Recover.Ticket.Send = "{{payload}}"
	empty, _ := Recipe("wsedge")
	empty.Recover.Ticket = &Ticket{}
	for _, row := range []struct {
		change func(c *Config)
		want   string
	}{
		{func(c *Config) { c.Ticket = true }, ""}, {func(c *Config) { c.Token = "a.b-c_d" }, ""},
		{func(c *Config) { c.Ticket, c.Recover = true, false }, "ticket needs recover"}, {func(c *Config) { c.Token = `a"b` }, "the token has characters"},
		{func(c *Config) { c.Ticket, c.Protocol = true, &foreign }, "has no tickets"}, {func(c *Config) { c.Token, c.Protocol = "a", &foreign }, "does not say how to connect"},
		{func(c *Config) { c.Ticket, c.Protocol = true, &wrong }, "ticket: send: unknown variable {{payload}}"}, {func(c *Config) { c.Ticket, c.Protocol = true, &empty }, "ticket: needs path, mark"},
	} {
		cfg := base
		row.change(&cfg)
		if err := cfg.Check(); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
}
