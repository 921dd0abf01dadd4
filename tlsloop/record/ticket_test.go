package record

import (
	"bytes"
	"crypto/tls"
	"testing"
)

// ticket is a NewSessionTicket with n bytes that nobody reads.
func ticket(n int) []byte {
	return append([]byte{4, byte(n >> 16), byte(n >> 8), byte(n)}, bytes.Repeat([]byte{0x55}, n)...)
}

// TestTicketsAreForgotten cuts two tickets and a KeyUpdate behind them into records at every byte.
func TestTicketsAreForgotten(t *testing.T) {
	for _, size := range []int{0, 1, 9} {
		stream := append(append(ticket(size), ticket(3)...), 24, 0, 0, 1, 0)
		for cut := range stream {
			c, p := pair(t, suites[0])
			c.ServeClient()
			var s Scratch
			for _, part := range [][]byte{stream[:cut], stream[cut:]} {
				if len(part) == 0 {
					continue
				}
				if plain, reply, err := c.Open(&s, p.Seal(22, part...), nil); err != nil || len(plain)+len(reply) > 0 {
					t.Fatalf("size %d, cut at %d: %x, %x, %v", size, cut, plain, reply, err)
				}
			}
			p.Rekey()
			if plain, _, err := c.Open(&s, p.Seal(23, 7), nil); err != nil || !bytes.Equal(plain, []byte{7}) {
				t.Fatalf("size %d, cut at %d: %x, %v", size, cut, plain, err)
			}
		}
	}
}

func TestATicketOfManyRecords(t *testing.T) {
	c, p := pair(t, suites[0])
	c.ServeClient()
	var s Scratch
	for rest := ticket(maxTicket); len(rest) > 0; {
		n := min(len(rest), MaxPlaintext)
		if _, _, err := c.Open(&s, p.Seal(22, rest[:n]...), nil); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if _, _, err := c.Open(&s, p.Seal(23, 7), nil); err != nil {
		t.Fatal(err)
	}
}

func TestBadTickets(t *testing.T) {
	cases := []struct {
		name    string
		client  bool
		records [][]byte
		alert   tls.AlertError
	}{
		{"from a client", false, [][]byte{append([]byte{22}, ticket(1)...)}, alertUnexpectedMessage},
		{"too long", true, [][]byte{{22, 4, 1, 0, 1}}, alertIllegalParameter},
		{"data inside", true, [][]byte{append([]byte{22}, ticket(9)[:6]...), {23, 'x'}}, alertUnexpectedMessage},
		{"data inside its header", true, [][]byte{{22, 4, 0}, {23, 'x'}}, alertUnexpectedMessage},
		{"a request to renegotiate", true, [][]byte{{22, 0, 0, 0, 0}}, alertUnexpectedMessage},
		{"something behind a key update", true, [][]byte{append([]byte{22, 24, 0, 0, 1, 0}, ticket(1)...)}, alertUnexpectedMessage},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			c, p := pair(t, suites[0])
			if test.client {
				c.ServeClient()
			}
			var s Scratch
			for i, rec := range test.records {
				plain, reply, err := c.Open(&s, p.Seal(rec[0], rec[1:]...), nil)
				if i < len(test.records)-1 {
					if err != nil {
						t.Fatal(err)
					}
					continue
				}
				if len(plain) > 0 {
					t.Error("plaintext got out")
				}
				wantFatal(t, c, p, reply, err, test.alert)
			}
		})
	}
}
