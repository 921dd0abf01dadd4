package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// requestTimeout is how long a publisher waits for an answer before it asks another node.
const requestTimeout = 3 * time.Second

// publisher publishes to some channels, in batches of one publication for each.
type publisher struct {
	run      string // what keys begin with
	nodes    []node
	channels []*channelLog
	every    []int // channel i has its turn each every[i] rounds
	rate     float64
	random   *rand.Rand
	client   *http.Client
	at       int // the node that it uses
}

func newPublisher(run string, i int, seed uint64, nodes []node, rate float64) *publisher {
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: time.Second}).DialContext, MaxIdleConnsPerHost: 2}
	return &publisher{
		run: run, nodes: nodes, rate: rate, at: i % len(nodes), random: rand.New(rand.NewPCG(seed, 1<<32+uint64(i))),
		client: &http.Client{Transport: transport, Timeout: requestTimeout},
	}
}

// publish goes on until quit is closed and everything that was sent is acknowledged, or ctx ends.
func (p *publisher) publish(ctx context.Context, quit <-chan struct{}) {
	defer p.client.CloseIdleConnections()
	next := time.Now()
	for round := p.random.IntN(100); ; round++ {
		var due []*channelLog
		for i, c := range p.channels {
			if round%p.every[i] == 0 {
				due = append(due, c)
			}
		}
		if !p.deliver(ctx, due) {
			return
		}
		// A round that came late is not made up for: the outage is long enough.
		if next = next.Add(time.Duration(float64(time.Second) / p.rate)); time.Until(next) < 0 {
			next = time.Now()
		}
		select {
		case <-quit:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
	}
}

// deliver publishes one number to each channel, and again where it is not known that it was made.
func (p *publisher) deliver(ctx context.Context, due []*channelLog) bool {
	for _, c := range due {
		c.issued.Add(1)
	}
	for attempt := 0; len(due) > 0; attempt++ {
		if attempt > 0 {
			due[0].ledger.retried.Add(uint64(len(due)))
			p.at = (p.at + 1) % len(p.nodes)
			wait := time.Duration(p.random.IntN(50)+50*min(attempt, 4)) * time.Millisecond
			select {
			case <-ctx.Done():
				return false
			case <-time.After(wait):
			}
		}
		due = p.ask(ctx, due)
	}
	return true
}

// command is one of a batch.
type command struct {
	Method string  `json:"method"`
	Params request `json:"params"`
}

type request struct {
	Channel string `json:"channel"`
	Data    body   `json:"data"`
	Key     string `json:"idempotency_key"`
}

// replies is the answer to a batch.
type replies struct {
	Replies []struct {
		Status int `json:"status"`
		Reply  struct {
			Offset  uint64 `json:"offset"`
			Epoch   string `json:"epoch"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"reply"`
	} `json:"replies"`
}

// ask publishes once, and returns what was not acknowledged.
func (p *publisher) ask(ctx context.Context, due []*channelLog) (again []*channelLog) {
	var batch struct {
		Commands []command `json:"commands"`
	}
	for _, c := range due {
		number := c.issued.Load()
		batch.Commands = append(batch.Commands, command{"publish", request{c.name, newBody(c.name, number), fmt.Sprintf("%s-%d", p.run, number)}})
	}
	text, err := json.Marshal(batch)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	answer, err := p.post(ctx, "http://"+p.nodes[p.at].address+"/api/batch", text)
	if err != nil || len(answer.Replies) != len(due) {
		return due
	}
	for i, c := range due {
		switch r := answer.Replies[i]; r.Status {
		case http.StatusOK:
			c.acknowledge(c.issued.Load(), place{r.Reply.Epoch, r.Reply.Offset})
		case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			again = append(again, c)
		default:
			c.ledger.violate(violation{Kind: unexpected, Client: -1, Node: p.nodes[p.at].name, Channel: c.name, Expected: "200, 429, 503 or 504",
				Seen: fmt.Sprintf("%d %s %s", r.Status, r.Reply.Code, r.Reply.Message)})
			again = append(again, c)
		}
	}
	return again
}

func (p *publisher) post(ctx context.Context, url string, text []byte) (answer replies, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return answer, err
	}
	response, err := p.client.Do(r)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(io.LimitReader(response.Body, maxFrame))
	if err != nil {
		return answer, err
	}
	if response.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("%s: %.200s", response.Status, read)
	}
	return answer, json.Unmarshal(read, &answer)
}
