package record

import (
	"bytes"
	"testing"
)

func TestKeyUpdates(t *testing.T) {
	for _, suite := range suites {
		c, p := pair(t, suite)
		var s Scratch
		for i := range 40 {
			asks := byte(i & 1)
			_, reply, err := c.Open(&s, p.Seal(22, 24, 0, 0, 1, asks), nil)
			if err != nil {
				t.Fatal(err)
			}
			p.Rekey()
			if asks == 1 {
				kind, content, err := p.Open(reply)
				if err != nil || kind != 22 || !bytes.Equal(content, []byte{24, 0, 0, 1, 0}) {
					t.Fatalf("answer: type %d, %x, %v", kind, content, err)
				}
				p.RekeyOpening()
			} else if len(reply) > 0 {
				t.Fatal("an answer that nobody has asked for")
			}
			if plain, _, err := c.Open(&s, p.Seal(23, byte(i)), nil); err != nil || !bytes.Equal(plain, []byte{byte(i)}) {
				t.Fatal(i, err)
			}
			if _, content, err := p.Open(c.Seal(&s, nil, []byte{byte(i)})); err != nil || !bytes.Equal(content, []byte{byte(i)}) {
				t.Fatal(i, err)
			}
		}
	}
}

func TestKeyUpdateInParts(t *testing.T) {
	whole := []byte{24, 0, 0, 1, 1}
	for first := 1; first < len(whole); first++ {
		for second := first; second < len(whole); second++ {
			c, p := pair(t, suites[0])
			var s Scratch
			var reply []byte
			for _, part := range [][]byte{whole[:first], whole[first:second], whole[second:]} {
				if len(part) == 0 {
					continue
				}
				if len(reply) > 0 {
					t.Fatal("answered a part")
				}
				var err error
				if _, reply, err = c.Open(&s, p.Seal(22, part...), nil); err != nil {
					t.Fatal(err)
				}
			}
			p.Rekey()
			if kind, _, err := p.Open(reply); err != nil || kind != 22 {
				t.Fatalf("answer: %d, %v", kind, err)
			}
			if plain, _, err := c.Open(&s, p.Seal(23, 7), nil); err != nil || len(plain) != 1 {
				t.Fatal(err)
			}
		}
	}
}

func TestNothingBetweenThePartsOfAMessage(t *testing.T) {
	for _, between := range [][]byte{{23, 'x'}, {23}, {21, 1, 90}, {21, 1, 0}} {
		c, p := pair(t, suites[0])
		var s Scratch
		if _, _, err := c.Open(&s, p.Seal(22, 24, 0), nil); err != nil {
			t.Fatal(err)
		}
		plain, reply, err := c.Open(&s, p.Seal(between[0], between[1:]...), nil)
		if len(plain) > 0 {
			t.Error("plaintext got out")
		}
		wantFatal(t, c, p, reply, err, alertUnexpectedMessage)
	}
}
