package loadtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// cutBetween is what stands between two texts.
func cutBetween(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// centrifugoLike speaks as the recipe does: replies and publications joined in a frame, heartbeats, errors with codes.
func centrifugoLike() *talkServer {
	s := &talkServer{}
	s.said = func(c *talkConn, text string) {
		id, channel := cutBetween(text, `"id":`, ","), cutBetween(text, `"channel":"`, `"`)
		switch {
		case text == "{}":
			c.subscribe("heartbeats answered")
		case strings.Contains(text, "connect"):
			c.say("{}\n" + `{"id":` + id + `,"connect":{"client":"c"}}`)
		case channel == "secret":
			c.say(`{"id":` + id + `,"error":{"code":103,"message":"permission denied"}}`)
		case strings.Contains(text, "subscribe"):
			c.say(`{"push":{"channel":"` + channel + `","join":{}}}` + "\n" + `{"id":` + id + `,"subscribe":{}}` + "\n")
			c.subscribe(channel)
		case strings.Contains(text, "publish"):
			s.publish(channel, `{"push":{"channel":"`+channel+`","pub":{"data":"`+cutBetween(text, `"data":"`, `"`)+`"}}}`+"\n{}")
			c.say(`{"id":` + id + `,"publish":{}}`)
		}
	}
	s.posted = func(body string) (int, string) {
		channel := cutBetween(body, `"channel":"`, `"`)
		s.publish(channel, `{"push":{"pub":{"data":"`+cutBetween(body, `"data":"`, `"`)+`"}}}`)
		return 200, `{"result":{}}`
	}
	return s
}

// shortTalk publishes 20 times, 5 ms apart, to 6 subscribers.
func shortTalk(t *testing.T, address, recipe string) Config {
	t.Helper()
	p, err := Recipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	cfg := shortFanout("ws://" + address + "/connect")
	cfg.Protocol, cfg.Conns, cfg.Drain, cfg.Publishers = &p, 6, 10*time.Second, 2
	return cfg
}

func (r *Report) wantClean(t *testing.T, expected uint64) {
	t.Helper()
	if want := (LedgerCounts{Expected: expected, Received: expected}); !r.Verdict.OK || r.Ledger != want {
		t.Errorf("%v, %+v, want %+v\n%+v %+v", r.Verdict.Reasons, r.Ledger, want, r.Publications, r.Connections)
	}
}

func TestCentrifugoRecipe(t *testing.T) {
	for _, by := range []PublishBy{PublishByHTTP, PublishByWebSocket} {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			s := centrifugoLike()
			cfg := shortTalk(t, s.start(t), "centrifugo")
			cfg.PublishBy = by
			r := mustRun(t, cfg)
			r.wantClean(t, 120)
			if r.Config.Protocol != "centrifugo" || r.Config.PublishBy != string(by) || r.Acknowledgement.Count != 20 || r.Connections.Subscribe.Count != 6 {
				t.Errorf("%+v, %+v", r.Config, r.Acknowledgement)
			}
			want := 6 // heartbeats in the setup
			if by == PublishByWebSocket {
				want += 120
			}
			if r.Messages.Answers != uint64(want) {
				t.Errorf("%d heartbeats answered, want %d", r.Messages.Answers, want)
			}
		})
	}
}

func TestSetupThatIsRefused(t *testing.T) {
	s := centrifugoLike()
	cfg := shortTalk(t, s.start(t), "centrifugo")
	cfg.Channel = "secret"
	r := mustRun(t, cfg)
	if r.Connections.Failures["subscribe refused: 103"] != 6 || r.Errors.Subscription["103"] != 6 {
		t.Errorf("%v, %+v", r.Connections.Failures, r.Errors)
	}
}

func TestAnswerWhoseBodySaysNo(t *testing.T) {
	s := centrifugoLike()
	accept, n := s.posted, 0
	s.posted = func(body string) (int, string) {
		if n++; n%4 == 0 {
			return 200, `{"error":{"code":102,"message":"unknown channel"}}`
		}
		return accept(body)
	}
	r := mustRun(t, shortTalk(t, s.start(t), "centrifugo"))
	r.wantClean(t, 90)
	if r.Publications.Refused != 5 || r.Publications.Causes[`answer: {"error":{"code":102,"message":"unknown channel"}}`] != 5 {
		t.Errorf("%+v", r.Publications)
	}
}

// socketIOLike is a Socket.IO server without the library: Engine.IO's open packet and ping, and three events.
func socketIOLike() *talkServer {
	s := &talkServer{
		opened: func(c *talkConn) { c.say(`0{"sid":"x","pingInterval":25000}`) },
		closed: func(c *talkConn) { c.say("2") },
	}
	s.said = func(c *talkConn, text string) {
		ack := "43" + cutBetween(text, "42", "[") + "[]"
		parts := strings.Split(text, `"`)
		switch {
		case text == "40":
			c.say("2")
			c.say(`40{"sid":"y"}`)
		case text == "3":
		case parts[1] == "subscribe":
			c.subscribe(parts[3])
			c.say(ack)
		case parts[1] == "publish":
			s.publish(parts[3], `42["message","`+parts[5]+`"]`)
			c.say("2")
			c.say(ack)
		case parts[1] == "echo":
			c.say(`42["echoed","` + parts[3] + `"]`)
		}
	}
	return s
}

func TestSocketIORecipe(t *testing.T) {
	s := socketIOLike()
	cfg := shortTalk(t, s.start(t), "socketio")
	r := mustRun(t, cfg)
	r.wantClean(t, 120)
	if r.Messages.Answers != 6 || r.Config.AcknowledgedBy != "reply" {
		t.Errorf("%d heartbeats answered, acknowledged by %s", r.Messages.Answers, r.Config.AcknowledgedBy)
	}
	cfg.Scenario = Echo
	r = mustRun(t, cfg)
	r.wantClean(t, 20)
	if r.Messages.Answers != 6 || r.Messages.Sent != 20 {
		t.Errorf("%+v", r.Messages)
	}
}

// chat has everybody hear everything on one channel, publishers included; nothing is acknowledged.
func chat(ack AckBy) *Protocol {
	return &Protocol{
		Name:  "chat",
		Setup: []SetupStep{{Send: "join {{channel}}", Expect: &Rule{Equals: "joined {{channel}}"}}},
		Publish: PublishWays{WebSocket: &WebSocketPublish{
			Send: "say {{channel}} {{payload}}", Ack: Ack{By: ack},
		}},
	}
}

func chatServer() *talkServer {
	s := &talkServer{}
	s.said = func(c *talkConn, text string) {
		words := strings.Fields(text)
		if words[0] == "join" {
			c.subscribe(words[1])
			c.say("joined " + words[1])
			return
		}
		s.publish(words[1], words[2])
	}
	return s
}

func TestPublicationsWithoutAReply(t *testing.T) {
	for _, ack := range []AckBy{AckDelivery, AckNone} {
		t.Run(string(ack), func(t *testing.T) {
			t.Parallel()
			s := chatServer()
			cfg := shortFanout("ws://" + s.start(t) + "/")
			cfg.Protocol, cfg.Publishers, cfg.Topics, cfg.Drain = chat(ack), 2, 3, 10*time.Second
			r := mustRun(t, cfg)
			var text strings.Builder
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if r.Config.AcknowledgedBy != string(ack) || strings.Contains(text.String(), "20 written") != (ack == AckNone) {
				t.Errorf("acknowledged by %s:\n%s", r.Config.AcknowledgedBy, text.String())
			}
			if r.Publications.Acknowledged != 20 || !r.Verdict.OK {
				t.Errorf("%+v, %v, %+v", r.Publications, r.Verdict, r.Ledger)
			}
		})
	}
}

// TestOutcomesOfWebSocketPublications has one refused, one without an answer at a close, and a connection that ends while
// nothing is under way.
func TestOutcomesOfWebSocketPublications(t *testing.T) {
	s := &talkServer{}
	n := 0
	s.said = func(c *talkConn, text string) {
		id, channel := cutBetween(text, `"id":`, ","), cutBetween(text, `"channel":"`, `"`)
		if strings.Contains(text, "subscribe") {
			c.subscribe(channel)
			c.say(`{"type":"subscribed","id":` + id + `}`)
			return
		}
		n++
		switch n {
		case 4:
			c.say(`{"type":"error","id":` + id + `,"code":"rate"}`)
			return
		case 8:
			_, _ = c.conn.Write(frame.AppendClose(nil, 1012, "restart"))
			return
		}
		s.publish(channel, `{"data":"`+cutBetween(text, `"data":"`, `"`)+`"}`)
		c.say(`{"type":"published","id":` + id + `}`)
		if n == 12 {
			_, _ = c.conn.Write(frame.AppendClose(nil, 1001, ""))
		}
	}
	cfg := shortTalk(t, s.start(t), "wsedge")
	cfg.PublishBy, cfg.Publishers = PublishByWebSocket, 1
	r := mustRun(t, cfg)
	p := r.Publications
	// Where the machine is busy, the one after the twelfth is written before the close frame is read: another unknown one.
	if p.Refused != 1 || p.Acknowledged+p.Unknown != 19 || p.Unknown < 1 || p.Unknown > 2 || p.Scheduled != 20 || p.Reconnects != 2 ||
		p.Causes["refused: rate"] != 1 || p.Causes["close 1012 restart"] != 1 || p.Errors.Close["1012"] != 1 {
		t.Errorf("%+v", p)
	}
	if l := r.Ledger; l.Lost+l.Duplicated+l.Reordered+l.Misdelivered != 0 || l.Expected != 6*p.Acknowledged {
		t.Errorf("%+v", l)
	}
}

// TestWebSocketPublishersThatCannotConnect counts each publication as one that could not be sent.
func TestWebSocketPublishersThatCannotConnect(t *testing.T) {
	s := chatServer()
	refusing := &pushServer{admit: func(int) int { return 503 }}
	refusing.start(t)
	cfg := shortFanout("ws://" + s.start(t) + "/")
	cfg.Protocol, cfg.PublishURL = chat(AckNone), refusing.url("/")
	r := mustRun(t, cfg)
	if r.Publications.Failed != 20 || r.Publications.Errors.HTTPStatus["503"] != 20 {
		t.Errorf("%+v", r.Publications)
	}
}

// TestWebSocketPublicationWithoutAnAnswer is of unknown outcome when the time for answers is up.
func TestWebSocketPublicationWithoutAnAnswer(t *testing.T) {
	s := centrifugoLike()
	talk, n := s.said, 0
	s.said = func(c *talkConn, text string) {
		if n++; !strings.Contains(text, "publish") {
			talk(c, text)
		}
	}
	cfg := shortTalk(t, s.start(t), "centrifugo")
	cfg.PublishBy, cfg.Drain, cfg.Publishers = PublishByWebSocket, 50*time.Millisecond, 1
	r := mustRun(t, cfg)
	if r.Publications.Unknown != 1 || r.Publications.Unsent != 19 || r.Publications.Errors.Timeout["answer"] != 1 {
		t.Errorf("%+v", r.Publications)
	}
}

func TestTopics(t *testing.T) {
	for _, publishers := range []int{1, 3, 8} {
		for _, rates := range []TopicRates{RatesUniform, RatesBySize} {
			t.Run(fmt.Sprintf("publishers=%d,rates=%s", publishers, rates), func(t *testing.T) {
				t.Parallel()
				s := centrifugoLike()
				cfg := shortTalk(t, s.start(t), "centrifugo")
				sizes, err := ParseTopicSizes("zipf:1")
				if err != nil {
					t.Fatal(err)
				}
				cfg.Conns, cfg.Topics, cfg.TopicSizes, cfg.TopicRates, cfg.Publishers = 40, 5, sizes, rates, publishers
				r := mustRun(t, cfg)
				expected := uint64(4 * 40) // each topic has 4 of the 20
				if rates == RatesBySize {
					expected = r.Ledger.Expected
				}
				r.wantClean(t, expected)
				if r.Completion.Count != 20 || r.Incomplete != 0 {
					t.Errorf("%d complete, %d not", r.Completion.Count, r.Incomplete)
				}
				if (r.Topics != TopicCounts{Count: 5, Largest: 16, Smallest: 4}) || len(r.TopicClasses) != 2 {
					t.Fatalf("%+v, %+v", r.Topics, r.TopicClasses)
				}
				small, large := r.TopicClasses[0], r.TopicClasses[1]
				if small.From != 1 || small.To != 9 || large.To != 99 || small.Subscribers+large.Subscribers != 40 || small.Topics+large.Topics != 5 ||
					small.Delivered+large.Delivered != r.Latency.Count {
					t.Errorf("%+v, %+v", small, large)
				}
				if rates == RatesBySize && expected <= 4*40 {
					t.Errorf("%d deliveries: large topics had no more publications than small ones", expected)
				}
			})
		}
	}
}

// TestTopicsOfOthers has the server deliver each publication to everybody.
func TestTopicsOfOthers(t *testing.T) {
	s := chatServer()
	s.said = func(c *talkConn, text string) {
		if words := strings.Fields(text); words[0] == "join" {
			c.subscribe("all")
			c.say("joined " + words[1])
		} else {
			s.publish("all", words[2])
		}
	}
	cfg := shortFanout("ws://" + s.start(t) + "/")
	cfg.Protocol, cfg.Topics, cfg.Conns, cfg.Drain = chat(AckNone), 2, 4, 10*time.Second
	r := mustRun(t, cfg)
	if r.Ledger.Misdelivered != 40 || r.Ledger.Received != 40 || r.Ledger.Lost != 0 {
		t.Errorf("%+v", r.Ledger)
	}
}

// TestTopicsInProcesses has workers that know of other connections only what the numbers tell.
func TestTopicsInProcesses(t *testing.T) {
	t.Setenv(workerVariable, "1")
	s := centrifugoLike()
	cfg := shortTalk(t, s.start(t), "centrifugo")
	cfg.Conns, cfg.Topics, cfg.Processes, cfg.WorkerCommand = 12, 5, 3, []string{os.Args[0]}
	mustRun(t, cfg).wantClean(t, 48) // topics of 3, 3, 2, 2, 2
}

// TestRequestTargets has the channel and the connection in the URL.
func TestRequestTargets(t *testing.T) {
	s := &talkServer{}
	targets := map[string]bool{}
	s.opened = func(c *talkConn) { targets[c.request] = true }
	r := mustRun(t, Config{
		Scenario: Idle, URL: "ws://" + s.start(t) + "/of/{{channel}}?n={{conn}}", Protocol: &Protocol{}, Topics: 2, Conns: 2, Channel: "a b",
		Duration: time.Millisecond,
	})
	if !r.Verdict.OK || len(targets) != 2 || !targets["/of/a%20b-0001?n=0"] || !targets["/of/a%20b-0002?n=1"] {
		t.Errorf("%v, %v", targets, r.Verdict)
	}
}
