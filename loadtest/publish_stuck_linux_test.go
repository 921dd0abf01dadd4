package loadtest

import (
	"net"
	"testing"
	"time"
)

// TestPublishServersThatNeverRead take nothing of what is published, until the sockets' buffers are full: neither the schedule
// nor the end of the run may wait for them.
func TestPublishServersThatNeverRead(t *testing.T) {
	for name, scheme := range map[string]string{"http": "http://", "websocket": "ws://"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := &pushServer{}
			good.start(t)
			over := make(chan struct{})
			bad := startBadServer(t, func(conn net.Conn, answer []byte) {
				if answer != nil && scheme == "ws://" {
					_, _ = conn.Write(answer)
				}
				<-over
			})
			defer close(over)
			cfg := shortFanout(good.url("/ws"))
			p, err := Recipe("wsedge")
			if err != nil {
				t.Fatal(err)
			}
			ws := *p.Publish.WebSocket
			ws.Ack, ws.Refused = Ack{By: AckNone}, nil
			p.Publish.WebSocket = &ws
			cfg.Protocol, cfg.PublishURL, cfg.Payload = &p, scheme+bad.listener.Addr().String()+"/", MaxPayload
			cfg.Drain = 100 * time.Millisecond
			r := mustRun(t, cfg)
			if c := r.Publications; r.Verdict.OK || c.Scheduled != 20 || c.Unknown == 0 {
				t.Errorf("%v %+v", r.Verdict, c)
			}
		})
	}
}
