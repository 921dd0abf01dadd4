package record

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"testing"
)

func TestSealSplits(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	plain := bytes.Repeat([]byte("0123456789"), 4000)
	out := c.Seal(&s, []byte("before"), plain)
	if string(out[:6]) != "before" || len(out) != 6+len(plain)+3*Overhead {
		t.Fatalf("%d bytes", len(out))
	}
	var got []byte
	for out = out[6:]; len(out) > 0; {
		n := Length(out, MaxCiphertext)
		_, content, err := p.Open(out[:n])
		if err != nil {
			t.Fatal(err)
		}
		got, out = append(got, content...), out[n:]
	}
	if !bytes.Equal(got, plain) {
		t.Error("differs")
	}
	if len(c.Seal(&s, nil, nil)) != 0 {
		t.Error("nothing became a record")
	}
}

func TestCloseNotifyIsOurLast(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	kind, content, err := p.Open(c.CloseNotify(&s, nil))
	if err != nil || kind != 21 || !bytes.Equal(content, []byte{1, 0}) {
		t.Errorf("type %d, %x, %v", kind, content, err)
	}
	if len(c.CloseNotify(&s, nil))+len(c.Seal(&s, nil, []byte("x"))) > 0 {
		t.Error("sealed behind close_notify")
	}
	_, reply, err := c.Open(&s, p.Seal(22, 24, 0, 0, 1, 1), nil)
	if err != nil || len(reply) > 0 {
		t.Errorf("a key update was answered behind close_notify: %x, %v", reply, err)
	}
	p.Rekey()
	if plain, _, err := c.Open(&s, p.Seal(23, []byte("still")...), nil); err != nil || string(plain) != "still" {
		t.Errorf("%q, %v", plain, err)
	}
	if reply, err := c.Abort(&s, nil); len(reply) > 0 || err == nil {
		t.Errorf("%x, %v", reply, err)
	}
}

func TestOwnKeyUpdateBeforeTheLimit(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	c.write.seq, p.Received = rekeyAfter-1, rekeyAfter-1
	if kind, _, err := p.Open(c.Seal(&s, nil, []byte("last"))); err != nil || kind != 23 {
		t.Fatal(kind, err)
	}
	out := c.Seal(&s, nil, []byte("next"))
	n := Length(out, MaxCiphertext)
	kind, content, err := p.Open(out[:n])
	if err != nil || kind != 22 || !bytes.Equal(content, []byte{24, 0, 0, 1, 0}) {
		t.Fatalf("type %d, %x, %v", kind, content, err)
	}
	p.RekeyOpening()
	if kind, content, err := p.Open(out[n:]); err != nil || kind != 23 || string(content) != "next" {
		t.Fatalf("type %d, %q, %v", kind, content, err)
	}
	if c.write.seq != 1 {
		t.Errorf("counts from %d", c.write.seq)
	}
}

func TestNoAllocations(t *testing.T) {
	for _, suite := range suites {
		c, p := pair(t, suite)
		var s Scratch
		plain, dst := make([]byte, 1000), make([]byte, 0, 2000)
		c.Seal(&s, dst, plain)
		if n := testing.AllocsPerRun(100, func() { c.Seal(&s, dst, plain) }); n > 0 {
			t.Errorf("%s: Seal allocates %.0f times", tls.CipherSuiteName(suite), n)
		}
		var recs [][]byte
		for range 110 {
			recs = append(recs, p.Seal(23, plain...))
		}
		next := func() {
			if _, _, err := c.Open(&s, recs[0], nil); err != nil {
				t.Fatal(err)
			}
			recs = recs[1:]
		}
		next()
		if n := testing.AllocsPerRun(100, next); n > 0 {
			t.Errorf("%s: Open allocates %.0f times", tls.CipherSuiteName(suite), n)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{128, 1 << 10, 16 << 10} {
		for _, cold := range []bool{false, true} {
			b.Run(fmt.Sprintf("payload=%dB/cold=%v", n, cold), func(b *testing.B) {
				c, _ := pair(b, suites[0])
				var s Scratch
				plain, dst := make([]byte, n), make([]byte, 0, n+Overhead)
				b.ReportAllocs()
				b.SetBytes(int64(n))
				for b.Loop() {
					c.write.seq = 0 // so that no key update is timed
					if cold {
						c.Cool()
					}
					c.Seal(&s, dst, plain)
				}
			})
		}
	}
}
