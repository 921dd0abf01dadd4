package reactor

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// counts are what a receipt says.
type counts struct{ matched, queued, dropped int }

func (r *Receipt) counts() (c counts) {
	c.matched, c.queued, c.dropped = r.Counts()
	return c
}

// wait returns what the receipt says in the end.
func (r *Receipt) wait(t testing.TB) counts {
	t.Helper()
	select {
	case <-r.Done():
	case <-time.After(patience):
		t.Fatalf("never done: %+v", r.counts())
	}
	return r.counts()
}

// publishText publishes a text and returns its receipt.
func (t *Topic) publishText(tb testing.TB, size int, p Publication) *Receipt {
	tb.Helper()
	p.Encoder, p.Receipt = Message{frame.OpText, bytes.Repeat([]byte("x"), size)}, NewReceipt()
	if _, err := t.Publish(p); err != nil {
		tb.Fatal(err)
	}
	return p.Receipt
}

// endNow shuts the server down and waits for nobody.
func (s *Server) endNow() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(ctx)
}

func TestReceiptCountsWhoGetsIt(t *testing.T) {
	s, topic, opened := onTopic(t, Config{}, TopicOptions{})
	if got := topic.publishText(t, 1, Publication{}).wait(t); got != (counts{}) {
		t.Errorf("nobody: %+v", got)
	}
	for range 3 {
		dialReady(t, s)
	}
	first, second := opened.take(t), opened.take(t)
	if got := topic.publishText(t, 1, Publication{}).wait(t); got != (counts{3, 3, 0}) {
		t.Errorf("three: %+v", got)
	}
	if got := topic.publishText(t, 1, Publication{Exclude: first}).wait(t); got != (counts{2, 2, 0}) {
		t.Errorf("one left out: %+v", got)
	}
	onLoop(t, second, func(c *Conn) { c.Unsubscribe(topic) })
	if got := topic.publishText(t, 1, Publication{}).wait(t); got != (counts{2, 2, 0}) {
		t.Errorf("one gone: %+v", got)
	}
}

// A conn that has the publication by two topics is one.
func TestReceiptOfAWidePublication(t *testing.T) {
	s, topic, opened := onTopic(t, Config{}, TopicOptions{})
	wide := s.NewTopic(TopicOptions{Wide: true})
	for i := range 3 {
		dialReady(t, s)
		onLoop(t, opened.take(t), func(c *Conn) {
			if i > 0 {
				_ = c.Subscribe(wide)
			}
			if i > 1 {
				c.Unsubscribe(topic)
			}
		})
	}
	if got := topic.publishText(t, 1, Publication{Seq: 1, Also: []*Topic{wide}}).wait(t); got != (counts{3, 3, 0}) {
		t.Errorf("%+v", got)
	}
}

// What is held for a conn that joins is queued for it; what it cannot hold is not.
func TestReceiptOfWhatIsHeld(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 1000}, TopicOptions{})
	dialReady(t, s)
	server := opened.take(t)
	onLoop(t, server, func(c *Conn) {
		c.Unsubscribe(topic)
		_, _ = c.Join(topic, 0)
	})
	for i, want := range []counts{{1, 1, 0}, {1, 1, 0}, {1, 0, 1}, {1, 0, 1}} {
		if got := topic.publishText(t, 400, Publication{Seq: uint64(i + 1)}).wait(t); got != want {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	if got := topic.publishText(t, 1, Publication{Exclude: server}).wait(t); got != (counts{}) {
		t.Errorf("left out: %+v", got)
	}
}

// Each policy, where a client does not read: what does not fit is dropped for it, and what is newer goes on where the policy says so.
func TestReceiptsOfASlowConn(t *testing.T) {
	for policy, want := range map[SlowPolicy][2]counts{ // of the first that does not fit, and of the next
		Disconnect: {{1, 0, 1}, {0, 0, 0}},
		DropOldest: {{1, 1, 0}, {1, 1, 0}},
		DropNewest: {{1, 0, 1}, {1, 0, 1}},
		KeepLatest: {{1, 1, 0}, {1, 1, 0}},
		Suspend:    {{1, 0, 1}, {0, 0, 0}},
	} {
		t.Run(policy.String(), func(t *testing.T) {
			s, topic, _ := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 64 << 10, OnResume: func(*Conn, *Topic) {}}, TopicOptions{Policy: policy})
			dialStalled(t, s)
			reason := policy.dropReason()
			for i := 0; ; i++ {
				got := topic.publishText(t, 8000, Publication{Seq: uint64(i)}).wait(t)
				if s.Stats().Drops[reason.String()] == 0 {
					if got != (counts{1, 1, 0}) {
						t.Fatalf("%d fits: %+v", i, got)
					}
					continue
				}
				if got != want[0] {
					t.Errorf("the first that does not fit: %+v, want %+v", got, want[0])
				}
				break
			}
			if got := topic.publishText(t, 8000, Publication{}).wait(t); got != want[1] {
				t.Errorf("the next: %+v, want %+v", got, want[1])
			}
		})
	}
}

// Of several that come in one turn the newest alone is queued for a slow conn that wants the latest; one that it has been left out of is not for it.
func TestReceiptsOfABatch(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 32 << 10}, TopicOptions{Policy: KeepLatest})
	dialStalled(t, s)
	slow := opened.take(t)
	overflow(t, s, topic, DropConflated)
	dialReady(t, s)
	opened.take(t)
	batch := func(exclude *Conn) (receipts []*Receipt) {
		onLoop(t, slow, func(*Conn) { // the loop takes none of them before all are there
			receipts = append(receipts, topic.publishText(t, 20_000, Publication{Seq: 1}))
			receipts = append(receipts, topic.publishText(t, 20_000, Publication{Seq: 2, Prev: 1, Exclude: exclude}))
			receipts = append(receipts, topic.publishText(t, 20_000, Publication{Seq: 3, Prev: 2}))
		})
		return receipts
	}
	// Where one leaves the slow conn out it gets each by itself: what was queued is dropped for the next while the receipts are open.
	for exclude, want := range map[*Conn][]counts{
		nil:  {{2, 1, 1}, {2, 1, 1}, {2, 2, 0}},
		slow: {{2, 1, 1}, {1, 1, 0}, {2, 2, 0}},
	} {
		for i, r := range batch(exclude) {
			if got := r.wait(t); got != want[i] {
				t.Errorf("%d: %+v, want %+v", i, got, want[i])
			}
		}
	}
}

// Who goes with what waits for him before the receipt is done does not get it.
func TestReceiptOfAConnThatGoesWithItsQueue(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 32 << 10}, TopicOptions{Policy: DropOldest})
	dialStalled(t, s)
	overflow(t, s, topic, DropOldestFirst)
	r := NewReceipt()
	onLoop(t, opened.take(t), func(c *Conn) {
		newest, open := c.out.entries[len(c.out.entries)-1].shared, &c.loop.receipts
		r.expect()
		r.queue(1)
		open.track(newest, false, r)
		open.serve(&arrival{shared: newest, receipt: r})
		c.abort(syscall.ECONNRESET)
	})
	r.settlePublish(1)
	if got := r.wait(t); got != (counts{1, 0, 1}) {
		t.Errorf("%+v", got)
	}
}

// A form with a gap lets most of a flood wait on its loop, where it is dropped for all: those receipts are done by then.
func TestReceiptsOfAPausedTopic(t *testing.T) {
	for policy, want := range map[SlowPolicy][]counts{
		DropNewest: {{1, 1, 0}, {}, {}, {1, 0, 1}},
		DropOldest: {{1, 1, 0}, {1, 0, 1}, {}, {}},
		Disconnect: {{1, 1, 0}, {1, 0, 1}, {1, 0, 1}, {1, 0, 1}},
	} {
		t.Run(policy.String(), func(t *testing.T) {
			s, topic, _ := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 1000, Forms: []FormOptions{{Gap: time.Hour}}}, TopicOptions{Policy: policy})
			dialReady(t, s)
			var receipts []*Receipt
			for i := range want {
				receipts = append(receipts, topic.publishText(t, 400, Publication{Seq: uint64(i)}))
				s.settle()
			}
			for i, want := range want {
				if want == (counts{}) {
					if got := receipts[i].counts(); got != (counts{1, 0, 0}) {
						t.Errorf("%d waits: %+v", i, got)
					}
				} else if got := receipts[i].wait(t); got != want {
					t.Errorf("%d: %+v, want %+v", i, got, want)
				}
			}
			s.endNow()
			for i, r := range receipts {
				if got := r.wait(t); got.queued+got.dropped != got.matched {
					t.Errorf("%d at the end: %+v", i, got)
				}
			}
		})
	}
}

func TestReceiptOfAServerThatHasEnded(t *testing.T) {
	s, topic, _ := onTopic(t, Config{}, TopicOptions{})
	dialReady(t, s)
	s.endNow()
	if got := topic.publishText(t, 1, Publication{}).wait(t); got.queued != 0 || got.matched != got.dropped {
		t.Errorf("%+v", got)
	}
}

// What receipts say is what clients that read all of it have got, whatever they leave and enter meanwhile.
func TestReceiptsAreTrue(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := newReceiptRun(t, seed, Config{OutboundMaxBytes: 8 << 20})
			for range 12 {
				r.open()
			}
			for range 400 {
				switch n := r.rng.IntN(10); {
				case n == 0:
					r.joinAmidPublications()
				case n < 4:
					r.change([]int{2, 4}[n%2])
				default:
					r.publish(1 + r.rng.IntN(500))
				}
			}
			r.settled()
			queued, got := 0, 0
			for _, receipt := range r.receipts {
				queued += receipt.counts().queued
			}
			for i, c := range r.clients {
				r.conns[i].Post(func(c *Conn) { c.Close(1000, "") })
				for c.readText() {
					got++
				}
			}
			if got != queued {
				t.Errorf("%d have come, %d were queued", got, queued)
			}
		})
	}
}

// readText reads a text, or the close frame, and tells which.
func (c *client) readText() bool {
	c.t.Helper()
	op, _, err := c.next()
	if err != nil {
		c.t.Fatal(err)
	}
	return op == frame.OpText
}

// receiptRun does random things to conns while publications with receipts are on their way.
type receiptRun struct {
	t        *testing.T
	rng      *rand.Rand
	s        *Server
	topics   []*Topic
	wide     *Topic
	conns    []*Conn
	clients  []*client
	opened   box[*Conn]
	receipts []*Receipt
	seq      uint64

	receiveBytes int // of the clients' sockets; 0: what the system gives
}

func newReceiptRun(t *testing.T, seed uint64, cfg Config) *receiptRun {
	r := &receiptRun{t: t, rng: rand.New(rand.NewPCG(seed, 31)), opened: newBox[*Conn]()}
	cfg.Loops, cfg.TurnMaxSends = 1+int(seed%3), 1+r.rng.IntN(6)
	cfg.Forms = []FormOptions{{}, {NoCoalesce: true}, {Gap: time.Millisecond}}
	cfg.Deflate, cfg.OnResume = &DeflateOptions{}, func(*Conn, *Topic) {}
	cfg.Handler = funcs{open: func(c *Conn) { r.opened <- c }}
	r.s = prepare(t, cfg)
	for _, policy := range []SlowPolicy{Disconnect, DropOldest, DropNewest, KeepLatest, Suspend} {
		r.topics = append(r.topics, r.s.NewTopic(TopicOptions{Policy: policy}))
	}
	r.wide = r.s.NewTopic(TopicOptions{Wide: true})
	start(t, r.s)
	return r
}

// Whatever happens to the conns, and to the server, each receipt is done once, and who was to have the publication has it queued or dropped.
func TestReceiptsRandomly(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := newReceiptRun(t, seed, Config{OutboundMaxBytes: 16 << 10})
			r.receiveBytes = 4 << 10 // so that they are slow, whoever does not read
			for range 500 {
				r.step()
			}
			if seed%2 == 0 {
				r.endAmidPublications()
			}
			r.settled()
		})
	}
}

func (r *receiptRun) step() {
	switch n := r.rng.IntN(20); {
	case n < 2 && len(r.conns) < 30:
		r.open()
	case n >= 7 || len(r.conns) == 0:
		r.publish(1 + r.rng.IntN(6000))
	default:
		r.change(n)
	}
}

// change does the n-th of several things to some conn.
func (r *receiptRun) change(n int) {
	topic, form, c := r.topics[r.rng.IntN(len(r.topics))], Form(r.rng.IntN(3)), r.conns[r.rng.IntN(len(r.conns))]
	if r.rng.IntN(8) == 0 {
		topic = r.wide
	}
	switch n {
	case 2:
		c.Post(func(c *Conn) { c.Unsubscribe(topic) })
	case 3:
		c.Post(func(c *Conn) { r.join(c, topic, form) })
	case 4:
		c.Post(func(c *Conn) { _ = c.SubscribeIn(topic, form) })
	case 5:
		if r.rng.IntN(10) == 0 {
			c.Post(func(c *Conn) { c.Close(1000, "") })
		}
	default:
		if i := r.rng.IntN(len(r.clients)); r.rng.IntN(10) == 0 {
			r.clients[i].Close()
		}
	}
}

// open connects a client, half of them with compression.
func (r *receiptRun) open() {
	c := connect(r.t, r.s)
	if r.receiveBytes > 0 {
		_ = c.socket.SetReadBuffer(r.receiveBytes)
	}
	offer := ""
	if r.rng.IntN(2) == 0 {
		offer = "Sec-WebSocket-Extensions: " + plainOffer + "\r\n"
		c.cfg.Inflater = frame.NewInflater()
	}
	c.write(frame.AppendClientHandshake(nil, "example.org", "/", clientKey, offer))
	c.head()
	r.clients = append(r.clients, c)
	r.conns = append(r.conns, r.opened.take(r.t))
}

// join subscribes in two steps, unless the conn leaves in between. Wide topics have no such steps.
func (r *receiptRun) join(c *Conn, topic *Topic, form Form) {
	if topic == r.wide {
		return
	}
	if j, err := c.Join(topic, form); err == nil {
		c.Post(func(*Conn) { _ = j.Complete(0) })
	}
}

// joinAmidPublications has a conn subscribe in two steps that nothing ends in between.
func (r *receiptRun) joinAmidPublications() {
	topic, form, c := r.topics[r.rng.IntN(len(r.topics))], Form(r.rng.IntN(3)), r.conns[r.rng.IntN(len(r.conns))]
	var j *Joining
	onLoop(r.t, c, func(c *Conn) { j, _ = c.Join(topic, form) })
	for range 10 {
		r.publish(100)
	}
	onLoop(r.t, c, func(*Conn) {
		if j != nil {
			_ = j.Complete(0)
		}
	})
}

func (r *receiptRun) publish(size int) {
	topic := r.topics[r.rng.IntN(len(r.topics))]
	r.seq++
	p := Publication{Seq: r.seq, Prev: r.seq - 1}
	if len(r.conns) > 0 && r.rng.IntN(3) == 0 {
		p.Exclude = r.conns[r.rng.IntN(len(r.conns))]
	}
	if r.rng.IntN(2) == 0 {
		p.Also = []*Topic{r.wide}
	}
	r.receipts = append(r.receipts, topic.publishText(r.t, size, p))
}

// endAmidPublications shuts the server down, and publishes meanwhile.
func (r *receiptRun) endAmidPublications() {
	ended := make(chan struct{})
	go func() {
		r.s.endNow()
		close(ended)
	}()
	for range 20 {
		r.publish(100)
	}
	<-ended
}

// settled waits for all receipts, and wants them to be right in themselves, and the loops to keep nothing of them.
func (r *receiptRun) settled() {
	r.t.Helper()
	for i, receipt := range r.receipts {
		if got := receipt.wait(r.t); got.queued+got.dropped != got.matched || got.queued < 0 || got.dropped < 0 {
			r.t.Errorf("%d: %+v", i, got)
		}
	}
	if r.s.ended() {
		return
	}
	onEachLoop(r.t, r.s, func(l *loop) {
		if l.receipts.byBytes != nil || len(l.receipts.served) > 0 {
			r.t.Errorf("%d receipts are kept", len(l.receipts.byBytes))
		}
	})
}
