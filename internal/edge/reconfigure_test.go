package edge

import (
	"testing"

	"github.com/wsedge/wsedge/internal/channel"
)

func TestReconfigure(t *testing.T) {
	s := startServer(t, Config{ChannelsPerConn: 1})
	c := greet(t, s)
	c.subscribe("a")
	c.say(`{"type":"subscribe","id":1,"channel":"b"}`)
	c.want(`{"type":"error","id":1,"channel":"b","code":"limit",*}`)

	namespaces := channel.Open()
	namespaces.Default.MaxMessageBytes = 7
	if err := s.Reconfigure(Config{Addr: "127.0.0.1:1", ChannelsPerConn: 2, Namespaces: namespaces}); err != nil {
		t.Fatal(err)
	}
	c.subscribe("b")
	if got := s.hub.Options("a").MaxMessageBytes; got != 7 {
		t.Errorf("the hub's options: %d", got)
	}

	if err := s.Reconfigure(Config{ChannelsPerConn: -1}); err == nil {
		t.Error("a bad configuration was taken")
	}
	if err := s.Reconfigure(Config{ChannelsPerConn: 5, Addr: "nonsense"}); err == nil {
		t.Error("a configuration with another mistake was taken")
	}
	c.say(`{"type":"subscribe","id":2,"channel":"c"}`)
	c.want(`{"type":"error","id":2,"channel":"c","code":"limit",*}`)
}
