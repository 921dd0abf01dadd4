package jetstream

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// With the permissions that the documentation names everything works, and with wrong credentials the engine goes on trying.
func TestCredentials(t *testing.T) {
	port := freePort(t)
	enough := []string{"mine.>", "_INBOX.>", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.UPDATE.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.DIRECT.GET.*"}
	s, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: t.TempDir(), Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true,
		Users: []*server.User{{Username: "wsedge", Password: "right", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: enough}, Subscribe: &server.SubjectPermission{Allow: enough[:2]},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer stopNATS(s)
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not come up")
	}
	url := "nats://127.0.0.1:" + strconv.Itoa(port)
	e := connect(t, nil, Config{URL: url, Prefix: "mine", Options: []nats.Option{nats.UserInfo("wsedge", "right")}})
	j := newJournal(t)
	log := j.open(e, "news", broker.Retention{Size: 10})
	defer log.Close()
	empty := newJournal(t).open(e, "empty", broker.Retention{Size: 20}) // raises the limits
	defer empty.Close()
	since := brokertest.Position(t, log)
	p := newPublisher()
	p.run(log, "x", 5, 1)
	j.settle(p.acknowledged)
	if got := brokertest.Recover(t, log, broker.RecoverQuery{Since: &since, MaxBytes: 100}); len(p.acknowledged) != 5 || !got.Exact || len(got.Publications) != 5 {
		t.Errorf("%d acknowledged, failed %v; %+v", len(p.acknowledged), p.failed, got)
	}

	stranger := connect(t, nil, Config{URL: url, Prefix: "mine", Options: []nats.Option{nats.UserInfo("wsedge", "wrong")}})
	awaitThat(t, "three attempts", func() bool { return stranger.link.nc.Stats().Reconnects > 3 })
	if h := stranger.Health(); h.Up || !strings.Contains(strings.ToLower(h.Why), "authorization") {
		t.Errorf("%+v", h)
	}
	other := stranger.Open("news", broker.Retention{}, newJournal(t))
	defer other.Close()
	if _, err := brokertest.Publish(other, "x"); !errors.Is(err, ErrDown) {
		t.Error(err)
	}
	if stranger.link.nc.IsClosed() {
		t.Error("it has given up")
	}
}
