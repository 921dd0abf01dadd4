package webhook

import (
	"context"
	"sync"
	"time"
)

const (
	// tellBatch is how many clients' ends one request tells of at most: some 100 KiB.
	tellBatch = 500
	// tellGather is how long the first of them waits for others: what happens together is told together.
	tellGather = 100 * time.Millisecond
	// An attempt is repeated after tellAgainFirst, then twice as long each time, and at most tellAgainMost.
	tellAgainFirst = 250 * time.Millisecond
	tellAgainMost  = 10 * time.Second
	// tellLogEvery is how often the log has a line about what is lost.
	tellLogEvery = 10 * time.Second
)

// Why what was to be told was dropped.
const (
	dropFull   = "queue_full"
	dropGaveUp = "gave_up"
	dropClosed = "closed"
)

// teller tells of clients that have gone.
type teller struct {
	client  *Client
	telling context.Context // ends what is being told
	stop    context.CancelFunc
	hurry   chan struct{} // closed when the client closes: nothing more is to be gathered
	once    sync.Once

	// Guarded by the client's mu.
	waiting []Ended
	running bool
	lost    int       // dropped since the log was told
	logged  time.Time // when it was
}

func (t *teller) init(c *Client) {
	t.client, t.hurry = c, make(chan struct{})
	t.telling, t.stop = context.WithCancel(context.Background())
}

// Tell tells of a client that has gone, in the background. It is dropped, and counted, where too many wait already.
func (c *Client) Tell(e Ended) {
	if !c.Wants(Disconnect) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.teller
	switch {
	case c.closed:
		t.drop(dropClosed, 1)
		return
	case len(t.waiting) >= c.config.TellMax:
		t.drop(dropFull, 1)
		return
	}
	t.waiting = append(t.waiting, e)
	if !t.running {
		t.running = true
		c.working.Go(t.work)
	}
}

// drop counts what is lost. Called with the client's mu held, perhaps on a loop: the log is told later.
func (t *teller) drop(reason string, n int) {
	t.client.counts.dropped[reason] += int64(n)
	t.lost += n
}

// report tells the log of what was lost since it was told last: at once, or only if that is tellLogEvery ago.
func (t *teller) report(atOnce bool) {
	c := t.client
	c.mu.Lock()
	lost := t.lost
	if lost == 0 || !atOnce && time.Since(t.logged) < tellLogEvery {
		c.mu.Unlock()
		return
	}
	t.lost, t.logged = 0, time.Now()
	c.mu.Unlock()
	c.config.Logger.Warn("webhook: the backend was not told of all clients that have gone", "clients", lost)
}

// work tells batch after batch, until none waits.
func (t *teller) work() {
	t.wait(tellGather)
	for batch := t.take(); batch != nil; batch = t.take() {
		t.tell(batch)
		t.report(false)
	}
}

// take takes the next batch; nil: there is none, and the work is done.
func (t *teller) take() []Ended {
	t.client.mu.Lock()
	defer t.client.mu.Unlock()
	n := min(len(t.waiting), tellBatch)
	if n == 0 {
		t.waiting, t.running = nil, false
		return nil
	}
	batch := t.waiting[:n:n]
	t.waiting = t.waiting[n:]
	return batch
}

// tell tells of a batch until it has been heard, or it has been in vain for too long.
func (t *teller) tell(batch []Ended) {
	c := t.client
	id, body := newID(), appendEnded(nil, c.node, batch)
	end := time.Now().Add(c.config.TellFor)
	for pause := tellAgainFirst; ; pause = min(2*pause, tellAgainMost) {
		f := t.attempt(id, body)
		if f == nil {
			c.mu.Lock()
			c.counts.told += int64(len(batch))
			c.mu.Unlock()
			return
		}
		reason := dropGaveUp
		if t.telling.Err() != nil {
			reason = dropClosed
		}
		givenUp := reason == dropClosed || time.Now().After(end)
		c.mu.Lock()
		c.counts.failed[f.reason]++
		if givenUp {
			t.drop(reason, len(batch))
		} else {
			c.counts.retries++
		}
		c.mu.Unlock()
		if givenUp {
			return
		}
		t.wait(jitter(pause))
	}
}

func (t *teller) attempt(id string, body []byte) *failure {
	c := t.client
	c.mu.Lock()
	s := c.current.Load()
	s.uses++
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.telling, s.config.Timeout)
	defer cancel()
	_, f := c.send(ctx, s.sender, Disconnect, id, body)
	c.mu.Lock()
	s.release()
	c.mu.Unlock()
	return f
}

// wait waits, but no longer than tellGather once the client is closing.
func (t *teller) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-t.telling.Done():
		return
	case <-t.hurry:
	}
	timer.Reset(min(d, tellGather))
	select {
	case <-timer.C:
	case <-t.telling.Done():
	}
}

// close gives what waits until ctx is done.
func (t *teller) close(ctx context.Context) {
	t.once.Do(func() { close(t.hurry) })
	stop := context.AfterFunc(ctx, t.stop)
	defer t.stop()
	defer stop()
	t.client.working.Wait()
	t.report(true)
}
