package record

import (
	"bytes"
	"testing"
)

// What doesn't carry a tag of ours never gets out, whatever it is.
func FuzzOpenForged(f *testing.F) {
	f.Add([]byte{23, 3, 3, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	f.Add([]byte{20, 3, 3, 0, 1, 1})
	f.Add([]byte{23, 3, 3, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, rec []byte) {
		c, p := pair(t, suites[0])
		var s Scratch
		plain, reply, err := c.Open(&s, rec, nil)
		if err == nil || plain != nil {
			t.Fatalf("opened: %x, %v", plain, err)
		}
		if kind, content, err := p.Open(reply); err != nil || kind != 21 || content[0] != 2 {
			t.Fatalf("no fatal alert: %d, %x, %v", kind, content, err)
		}
	})
}

// Any inner plaintexts, sealed properly: nothing but application data gets out, and nothing follows an error.
func FuzzOpenInner(f *testing.F) {
	f.Add([]byte("data\x17"), []byte{24, 0, 0, 1, 1, 22}, []byte("more\x17\x00\x00"))
	f.Add([]byte{24, 0, 22}, []byte{0, 1, 0, 22}, []byte{1, 0, 21})
	f.Add([]byte{24, 22}, []byte("data\x17"), []byte{})
	f.Fuzz(func(t *testing.T, first, second, third []byte) {
		c, p := pair(t, suites[0])
		var s Scratch
		var handshake []byte
		for _, inner := range [][]byte{first, second, third} {
			if len(inner) > MaxPlaintext+1 {
				return
			}
			plain, reply, err := c.Open(&s, p.Inner(inner), nil)
			content := bytes.TrimRight(inner, "\x00")
			isData := len(content) > 0 && content[len(content)-1] == 23
			if len(plain) > 0 && !isData || isData && err == nil && !bytes.Equal(plain, content[:len(content)-1]) {
				t.Fatalf("plaintext %x of %x", plain, inner)
			}
			if err != nil {
				if plain != nil {
					t.Fatal("plaintext beside an error")
				}
				return
			}
			if len(content) > 0 && content[len(content)-1] == 22 {
				if handshake = append(handshake, content[:len(content)-1]...); len(handshake) == 5 {
					handshake = nil
					p.Rekey()
				}
			}
			if len(reply) > 0 {
				if kind, _, err := p.Open(reply); err != nil || kind != 22 {
					t.Fatalf("reply: %d, %v", kind, err)
				}
				p.RekeyOpening()
			}
		}
	})
}
