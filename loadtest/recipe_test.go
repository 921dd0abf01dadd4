package loadtest

import (
	"strings"
	"testing"
)

func TestRecipesAreValid(t *testing.T) {
	for _, name := range RecipeNames() {
		p, err := Recipe(name)
		if err == nil {
			err = p.Validate()
		}
		if err != nil || p.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Recipe("carrier pigeon"); err == nil || !strings.Contains(err.Error(), "centrifugo, echo, raw") {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestProtocolProblemsAreReportedTogether(t *testing.T) {
	p := Protocol{
		Setup: []SetupStep{
			{},
			{Send: "{{payload}}", Expect: &Rule{}},
			{Send: "x", Refused: &Refusal{Rule: Rule{Equals: "y"}}},
			{Send: "x", Expect: &Rule{Equals: "y"}, Refused: &Refusal{}},
		},
		Answers: []Answer{{}, {Match: Rule{Equals: "{{id}}"}, Send: "{{id}}"}},
		Split:   "comma",
		Echo:    "no stamp",
		Publish: PublishWays{
			HTTP:      &HTTPPublish{Method: "post", URL: "{{id}}", Headers: []string{"no colon"}, Body: "x", OK: &Rule{}},
			WebSocket: &WebSocketPublish{Send: "x", Setup: []SetupStep{{}}, Refused: &Refusal{}},
		},
	}
	text := ""
	if err := p.Validate(); err != nil {
		text = err.Error()
	}
	for _, want := range []string{
		"setup: step 1: neither", "setup: step 2: send: unknown variable {{payload}}", "setup: step 2: expect: a rule needs",
		"setup: step 3: refused needs an expect", "setup: step 4: refused: a rule needs", "answers: answer 1: match: a rule needs",
		"answers: answer 1: send: nothing", "answers: answer 2: match: equals: unknown", "answers: answer 2: send: unknown", "split: want newline",
		"echo: must have {{payload}}", "publish.http: method: want", "publish.http: url: unknown", "publish.http: headers: want",
		"publish.http: body: must have", "publish.http: ok: a rule needs", "publish.websocket: setup: step 1: neither", "publish.websocket: send: must have",
		"publish.websocket: ack: want a rule, delivery or none", "publish.websocket: refused: a rule needs",
	} {
		if !strings.Contains("\n"+text, "\n"+want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	long := Protocol{Setup: make([]SetupStep, maxSteps+1)}
	if err := long.Validate(); err == nil || !strings.Contains(err.Error(), "101 steps are more than 100") {
		t.Errorf("many steps: %v", err)
	}
	none := Protocol{Publish: PublishWays{WebSocket: &WebSocketPublish{
		Send: "{{payload}}", Ack: Ack{By: AckNone}, Refused: &Refusal{Rule: Rule{Equals: "no"}},
	}}}
	if err := none.Validate(); err == nil || !strings.Contains(err.Error(), "refused needs an ack") {
		t.Errorf("refusals that nobody waits for: %v", err)
	}
}

func TestHowAndWhereItPublishes(t *testing.T) {
	centrifugo, _ := Recipe("centrifugo")
	socketIO, _ := Recipe("socketio")
	echo, _ := Recipe("echo")
	here := Protocol{Publish: PublishWays{WebSocket: &WebSocketPublish{URL: "ws://other:1/p", Send: "{{payload}}", Ack: Ack{By: AckNone}}}}
	cases := []struct {
		cfg Config
		by  PublishBy
		url string
		err string
	}{
		{Config{URL: "ws://h:1/ws"}, PublishByHTTP, "http://h:1/api/publish", ""},
		{Config{URL: "ws://h:1/ws?token=t", PublishBy: PublishByWebSocket}, PublishByWebSocket, "ws://h:1/ws?token=t", ""},
		{Config{URL: "ws://h:1/ws", PublishURL: "ws://p/x"}, PublishByWebSocket, "ws://p/x", ""},
		{Config{URL: "ws://h:1/ws/raw", PublishBy: PublishByWebSocket}, PublishByWebSocket, "ws://h:1/ws", ""},
		{Config{URL: "ws://h:1/ws", PublishURL: "ws://p/x", PublishBy: PublishByHTTP}, "", "", "want a publish URL such as http://"},
		{Config{URL: "ws://h:1/c", Protocol: &centrifugo}, PublishByHTTP, "http://h:1/api/publish", ""},
		{Config{URL: "ws://h:1/s?EIO=4", Protocol: &socketIO}, PublishByWebSocket, "ws://h:1/s?EIO=4", ""},
		{Config{URL: "ws://h:1/s", Protocol: &socketIO, PublishBy: PublishByHTTP}, "", "", "socketio has no way to publish by http"},
		{Config{URL: "ws://h:1/s", Protocol: &socketIO, PublishURL: "http://p/"}, "", "", "want a publish URL such as ws://"},
		{Config{URL: "ws://h:1/e", Protocol: &echo}, "", "", "echo has no way to publish"},
		{Config{URL: "ws://h:1/e", Protocol: &here}, PublishByWebSocket, "ws://other:1/p", ""},
		{Config{URL: "ws://h:1/e?c={{channel}}", Protocol: &socketIO}, "", "", "publish URL: unknown variable {{channel}}"},
		{Config{URL: "ws://h:1/e", PublishURL: "http://p/{{channel}}"}, PublishByHTTP, "http://p/%7B%7Bchannel%7D%7D", ""},
		{Config{URL: "ws://h:1/e", PublishURL: "p/x"}, "", "", "want a publish URL"},
		{Config{URL: "ws://h:1/e", PublishURL: "//p/x"}, "", "", "want a publish URL"},
	}
	for _, c := range cases {
		c.cfg.Scenario = Fanout
		got, _, err := parseTarget(c.cfg)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v, want %s", c.cfg, err, c.err)
			}
		case err != nil:
			t.Errorf("%+v: %v", c.cfg, err)
		case got.PublishBy != c.by || got.PublishURL.String() != c.url:
			t.Errorf("%+v: by %s to %s", c.cfg, got.PublishBy, got.PublishURL)
		}
	}
}

func TestSubscriptionsAreLeftOut(t *testing.T) {
	centrifugo, _ := Recipe("centrifugo")
	got, _, err := parseTarget(Config{Scenario: Idle, URL: "ws://h/c", Protocol: &centrifugo, NoSubscribe: true})
	if err != nil || len(got.Protocol.Setup) != 1 || len(centrifugo.Setup) != 2 {
		t.Errorf("%d steps, %v", len(got.Protocol.Setup), err)
	}
	if _, _, err := parseTarget(Config{Scenario: Echo, URL: "ws://h/c", Protocol: &centrifugo}); err == nil {
		t.Error("an echo of a protocol without one")
	}
	if _, _, err := parseTarget(Config{Scenario: Idle, URL: "ws://h/{{id}}"}); err == nil {
		t.Error("an unknown variable in the URL")
	}
	if _, _, err := parseTarget(Config{Scenario: Idle, URL: "ws://h/ws/raw?channel=a", Topics: 2}); err == nil {
		t.Error("one channel for two topics")
	}
	got, _, err = parseTarget(Config{Scenario: Idle, URL: "ws://h/ws/raw?channel={{channel}}&n={{conn}}", Topics: 2})
	if err != nil || got.Path != "/ws/raw?channel={{channel}}&n={{conn}}" || got.Channel != "load" {
		t.Errorf("%+v, %v", got, err)
	}
}
