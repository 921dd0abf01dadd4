package loadtest

import "testing"

func TestTarget(t *testing.T) {
	cases := []struct {
		cfg       Config
		path      string
		channel   string
		subscribe bool
		publish   string
	}{
		{Config{Scenario: Fanout, URL: "ws://h:1/ws"}, "/ws", "load", true, "http://h:1/api/publish"},
		{Config{Scenario: Fanout, URL: "ws://h:1/ws?token=t", Channel: "news"}, "/ws?token=t", "news", true, "http://h:1/api/publish"},
		{Config{Scenario: Fanout, URL: "ws://h:1/ws/raw"}, "/ws/raw?channel={{channel}}", "load", false, "http://h:1/api/publish"},
		{Config{Scenario: Fanout, URL: "ws://h:1/ws/raw?channel=a%3Ab"}, "/ws/raw?channel=a%3Ab", "a:b", false, "http://h:1/api/publish"},
		{Config{Scenario: Fanout, URL: "wss://h/ws"}, "/ws", "load", true, "https://h/api/publish"},
		{Config{Scenario: Fanout, URL: "ws://h/ws", PublishURL: "https://p/x", TLS: TLS{Insecure: true}}, "/ws", "load", true, "https://p/x"},
		{Config{Scenario: Fanout, URL: "ws://h", PublishURL: "http://p:2/x?y=z"}, "/", "load", true, "http://p:2/x?y=z"},
		{Config{Scenario: Echo, URL: "ws://h:1/echo"}, "/echo", "load", false, ""},
		{Config{Scenario: Idle, URL: "ws://h:1/ws", NoSubscribe: true}, "/ws", "load", false, "http://h:1/api/publish"},
	}
	for _, c := range cases {
		got, _, err := parseTarget(c.cfg)
		if err != nil {
			t.Errorf("%s: %v", c.cfg.URL, err)
			continue
		}
		publish := ""
		if got.PublishURL != nil {
			publish = got.PublishURL.String()
		}
		if got.Path != c.path || got.Channel != c.channel || got.Subscribe != c.subscribe || publish != c.publish {
			t.Errorf("%s: got %+v, want %+v", c.cfg.URL, got, c)
		}
	}
}

func TestTargetRefuses(t *testing.T) {
	for _, cfg := range []Config{
		{URL: ""}, {URL: "127.0.0.1:80"}, {URL: "http://h/ws"}, {URL: "ws:///ws"}, {URL: "ws://h/ws", TLS: TLS{Insecure: true}}, {URL: "wss:///ws"}, {URL: "ws://h\x7f/"},
		{URL: "ws://h/ws?channel=a", Channel: "b"}, {URL: "ws://h/ws", PublishURL: "ftp://h/"},
	} {
		if got, _, err := parseTarget(cfg); err == nil {
			t.Errorf("%q: got %+v, want an error", cfg.URL, got)
		}
	}
}

func TestOfferedSubprotocols(t *testing.T) {
	block := headerBlock([]string{"X: a", "sec-websocket-protocol: a, b", "Sec-WebSocket-Protocol:c"})
	for name, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "": false, "A": false, "a, b": false} {
		if got := offersSubprotocol(block, name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
	if offersSubprotocol("", "a") {
		t.Error("none were offered")
	}
}

func TestHeaderLines(t *testing.T) {
	for line, want := range map[string]bool{
		"X-API-Key: k": true, "Authorization: apikey a:b": true, "X:": true,
		"": false, "no colon": false, ": v": false, "a b: c": false, "X: a\r\nY: b": false, "X: \x00": false,
	} {
		if got := validHeaderLine(line); got != want {
			t.Errorf("%q: got %v", line, got)
		}
	}
}
