package edge

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/wsedge/wsedge/internal/channel"
)

// wantAnswer posts and wants 200 with a body of that pattern.
func wantAnswer(t *testing.T, s *Server, path, body, pattern string) {
	t.Helper()
	if status, answer := post(t, s, path, body); status != http.StatusOK || !matches(pattern, answer) {
		t.Errorf("%s %s: %d %s, want %s", path, body, status, answer, pattern)
	}
}

func TestReceipts(t *testing.T) {
	s := startServer(t, Config{})
	ann, bob := greet(t, s), greet(t, s)
	ann.subscribe("news")
	bob.subscribe("news")
	bob.say(`{"type":"subscribe","channel":"a:*"}`)
	bob.want(`{"type":"subscribed",*}`)
	bob.subscribe("a:b")
	head := `{"channel":"news","offset":*,"epoch":"*",`
	wantAnswer(t, s, "/api/publish", `{"channel":"news","data":1}`, head+`"matched":2}`)
	wantAnswer(t, s, "/api/publish", `{"channel":"news","data":1,"receipt":false}`, head+`"matched":2}`)
	wantAnswer(t, s, "/api/publish", `{"channel":"news","data":1,"receipt":true}`, head+`"matched":2,"receipt":"complete","queued":2,"dropped":0}`)
	wantAnswer(t, s, "/api/publish", `{"channel":"news","data":1,"receipt":true,"exclude":"`+ann.id+`"}`,
		head+`"matched":1,"receipt":"complete","queued":1,"dropped":0}`)
	wantAnswer(t, s, "/api/publish", `{"channel":"a:b","data":1,"receipt":true}`, `{*"matched":1,"receipt":"complete","queued":1,"dropped":0}`)
	wantAnswer(t, s, "/api/publish", `{"channel":"none","data":1,"receipt":true}`, `{*"matched":0,"receipt":"complete","queued":0,"dropped":0}`)
	wantAnswer(t, s, "/api/broadcast", `{"channels":["news","none","no good"],"data":1,"receipt":true}`, `{"results":[`+
		head+`"matched":2,"receipt":"complete","queued":2,"dropped":0},{"channel":"none",*"matched":0,"receipt":"complete","queued":0,"dropped":0},`+
		`{"channel":"no good","code":"bad_channel",*}]}`)
	wantAnswer(t, s, "/api/batch", `{"commands":[{"method":"publish","params":{"channel":"news","data":1,"receipt":true}}]}`,
		`{"replies":[{"status":200,"reply":`+head+`"matched":2,"receipt":"complete","queued":2,"dropped":0}}]}`)
	if status, answer := post(t, s, "/api/publish", `{"channel":"news","data":1,"receipt":1}`); status != http.StatusBadRequest {
		t.Error(status, answer)
	}
}

// What is answered again has no receipt: nothing was published.
func TestReceiptOfARepeatedPublish(t *testing.T) {
	s := startServer(t, Config{})
	greet(t, s).subscribe("news")
	body := `{"channel":"news","data":1,"receipt":true,"idempotency_key":"k"}`
	wantAnswer(t, s, "/api/publish", body, `{"channel":"news","offset":1,*"matched":1,"receipt":"complete","queued":1,"dropped":0}`)
	wantAnswer(t, s, "/api/publish", body, `{"channel":"news","offset":1,*"matched":1,"receipt":"repeated"}`)
}

// Who is too slow is told apart from who gets it.
func TestReceiptsOfASlowClient(t *testing.T) {
	for policy, dropped := range map[channel.SlowPolicy]int{
		channel.Disconnect: 1, channel.DropNewest: 1, channel.SkipToHistory: 1, channel.DropOldest: 0, channel.KeepLatest: 0,
	} {
		t.Run(policy.String(), func(t *testing.T) {
			namespaces := channel.Open()
			namespaces.Default.Slow, namespaces.Default.HistorySize = policy, 10
			s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: namespaces})
			greet(t, s).subscribe("news")
			drops := func() (n int64) {
				for _, count := range s.reactor.Stats().Drops {
					n += count
				}
				return n
			}
			body := fmt.Sprintf(`{"channel":"news","data":"%08000d","receipt":true}`, 0)
			fits, answer := `*"matched":1,"receipt":"complete","queued":1,"dropped":0}`, ""
			for n := 0; ; n++ {
				if _, answer = post(t, s, "/api/publish", body); drops() > 0 {
					break
				}
				if !matches(fits, answer) || n > 10_000 {
					t.Fatalf("%d fit: %s", n, answer)
				}
			}
			want := fmt.Sprintf(`*"matched":1,"receipt":"complete","queued":%d,"dropped":%d}`, 1-dropped, dropped)
			if !matches(want, answer) {
				t.Errorf("the first that does not fit: %s, want %s", answer, want)
			}
		})
	}
}
