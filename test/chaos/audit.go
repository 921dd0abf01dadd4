package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// auditDepth is how many publications of each channel are read again at the end, at each node.
const auditDepth = 2000

// page is a part of a channel's history.
type page struct {
	Epoch        string `json:"epoch"`
	Offset       uint64 `json:"offset"`
	Recovered    bool   `json:"recovered"`
	Code         string `json:"code"`
	Publications []struct {
		Data   json.RawMessage `json:"data"`
		Offset uint64          `json:"offset"`
	} `json:"publications"`
}

// auditAll audits all nodes at once.
func (l *ledger) auditAll(nodes []node, kept int) error {
	errs := make([]error, len(nodes))
	var group sync.WaitGroup
	for i, n := range nodes {
		group.Go(func() { errs[i] = l.audit(n, kept) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// audit reads at a node what its channels have kept, of which there are so many in each if that many were published, and objects to what is not as it was acknowledged.
func (l *ledger) audit(n node, kept int) error {
	client := &http.Client{Timeout: bearable}
	defer client.CloseIdleConnections()
	for _, c := range l.channels {
		last := c.acked.Load()
		if last == 0 {
			continue
		}
		for number := max(1, last-min(last, uint64(min(kept, auditDepth)))); number < last; {
			at := c.place(number)
			p, err := history(client, n, c.name, at)
			if err != nil {
				return fmt.Errorf("%s: history of %s: %w", n.name, c.name, err)
			}
			if !p.Recovered || len(p.Publications) == 0 {
				l.violate(violation{Kind: lost, Client: -1, Node: n.name, Channel: c.name, Expected: fmt.Sprintf("all up to %d behind %d at %v", last, number, at),
					Seen: fmt.Sprintf("recovered %v, %d publications, position %s/%d", p.Recovered, len(p.Publications), p.Epoch, p.Offset)})
				break
			}
			number = c.compare(n, number, &p)
		}
	}
	return nil
}

// compare looks at a page that begins behind a number, and returns the last number of it.
func (c *channelLog) compare(n node, number uint64, p *page) uint64 {
	for _, entry := range p.Publications {
		want, seen := c.place(number+1), place{p.Epoch, entry.Offset}
		b, wrong := readBody(c.name, entry.Data)
		if wrong != "" || b.Number != number+1 || seen != want {
			c.ledger.violate(violation{Kind: lost, Client: -1, Node: n.name, Channel: c.name, Expected: fmt.Sprintf("%d at %v in the history", number+1, want),
				Seen: fmt.Sprintf("%d at %v %s", b.Number, seen, wrong)})
		}
		if wrong != "" || b.Number <= number {
			continue
		}
		number = b.Number
	}
	return number
}

func history(client *http.Client, n node, channel string, since place) (p page, err error) {
	text := fmt.Sprintf(`{"channel":%q,"limit":1000,"since":{"epoch":%q,"offset":%d}}`, channel, since.epoch, since.offset)
	for end := time.Now().Add(bearable); ; time.Sleep(100 * time.Millisecond) { // the engine may be slow
		response, err := client.Post("http://"+n.address+"/api/history", "application/json", bytes.NewReader([]byte(text)))
		if err != nil {
			return p, err
		}
		err = json.NewDecoder(response.Body).Decode(&p)
		_ = response.Body.Close()
		if err != nil || response.StatusCode == http.StatusOK {
			return p, err
		}
		if time.Now().After(end) {
			return p, fmt.Errorf("%s %s", response.Status, p.Code)
		}
	}
}
