package loadtest

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"testing"
	"unsafe"
)

// plainRecords does no cryptography: what a record carries is what it holds.
type plainRecords struct{ recordLayer }

func (plainRecords) maxCiphertext() int { return maxCiphertext12 }

// TestRecordsInEveryCut cuts a stream of records at every two bytes.
func TestRecordsInEveryCut(t *testing.T) {
	var stream []byte
	var want [][]byte
	for _, n := range []int{0, 1, 5, 17} {
		rec := append([]byte{23, 3, 3, 0, byte(n)}, bytes.Repeat([]byte{byte(n)}, n)...)
		stream, want = append(stream, rec...), append(want, rec)
	}
	stream, want = append(stream, "\x17\x03\x03\xff\xff"...), append(want, []byte("\x17\x03\x03\xff\xff")) // shown as soon as its length is
	for first := range stream {
		for second := first; second < len(stream); second++ {
			shared := &loopTLS{}
			s := &tlsSession{layer: plainRecords{}}
			var got [][]byte
			for _, part := range [][]byte{stream[:first], stream[first:second], stream[second:]} {
				for len(part) > 0 {
					rec, n := shared.nextRecord(s, part)
					if part = part[n:]; rec == nil {
						break
					}
					s.partial = nil
					got = append(got, bytes.Clone(rec))
				}
			}
			if !slices.EqualFunc(got, want, bytes.Equal) || s.partial != nil {
				t.Fatalf("cut at %d and %d: %x, want %x", first, second, got, want)
			}
		}
	}
}

// TestHandshakeInSingleBytes feeds what a server sends byte by byte, and data behind it in the same breath.
func TestHandshakeInSingleBytes(t *testing.T) {
	for _, layer := range layers {
		t.Run(layer.name, func(t *testing.T) {
			options := layer.tls
			options.CA = testAuthority.PEM()
			config, err := options.config("127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			near, far := net.Pipe()
			served := make(chan error, 1)
			go func() {
				secure := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{testAuthority.Issue("127.0.0.1")}})
				_, err := secure.Write([]byte("hello"))
				served <- err
				_ = secure.Close()
			}()
			told := make(chan struct{}, 100)
			h := newTLSHandshake(&tlsSession{}, options.compact(), func(*tlsSession) { told <- struct{}{} })
			go h.run(config)
			go func() {
				one := make([]byte, 1)
				for {
					if _, err := near.Read(one); err != nil {
						h.end()
						return
					}
					h.feed(one)
				}
			}()
			var result *tlsResult
			var rest []byte
			for result == nil {
				<-told
				var out []byte
				if out, result, rest = h.collect(); len(out) > 0 {
					if _, err := near.Write(out); err != nil {
						t.Fatal(err)
					}
				}
			}
			if result.err != nil {
				t.Fatal(result.err)
			}
			if err := <-served; err != nil {
				t.Fatal(err)
			}
			h.mu.Lock()
			for !h.ended {
				h.arrived.Wait()
			}
			rest = append(rest, h.in...)
			h.mu.Unlock()
			readAll(t, result.layer, rest)
		})
	}
}

// readAll opens records up to the close_notify.
func readAll(t *testing.T, layer recordLayer, stream []byte) {
	t.Helper()
	shared := &loopTLS{plain: make([]byte, 1<<14)}
	s := &tlsSession{layer: layer}
	var got []byte
	for len(stream) > 0 {
		rec, n := shared.nextRecord(s, stream)
		if rec == nil {
			t.Fatalf("%d bytes of a record", len(stream))
		}
		stream = stream[n:]
		plain, _, err := layer.open(shared, rec)
		if got = append(got, plain...); err == io.EOF && len(stream) == 0 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != "hello" {
		t.Errorf("%q", got)
	}
}

// TestWhatAConnectionKeeps holds the sum of docs/ARCHITECTURE.md, on 64 bits.
func TestWhatAConnectionKeeps(t *testing.T) {
	kept := map[string][2]uintptr{
		"extra": {unsafe.Sizeof(extra{}), 16}, "tlsSession": {unsafe.Sizeof(tlsSession{}), 64}, "compactRecords": {unsafe.Sizeof(compactRecords{}), 256},
	}
	for name, sizes := range kept {
		if sizes[0] > sizes[1] {
			t.Errorf("%s has %d bytes, the sum has %d", name, sizes[0], sizes[1])
		}
	}
}
