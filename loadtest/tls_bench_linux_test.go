package loadtest

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"
)

// BenchmarkOpenRecord is what TLS adds to a delivery of 200 bytes.
func BenchmarkOpenRecord(b *testing.B) {
	for _, way := range layers {
		b.Run("layer="+way.name, func(b *testing.B) {
			const batch, size = 1000, 200
			layer, server, wire := established(b, way.tls)
			shared := &loopTLS{plain: make([]byte, 1<<14)}
			s := &tlsSession{layer: layer}
			message := bytes.Repeat([]byte("x"), size)
			b.ReportAllocs()
			var records []byte
			for b.Loop() {
				if len(records) == 0 {
					b.StopTimer()
					wire.sent = wire.sent[:0]
					for range batch {
						_, _ = server.Write(message)
					}
					records = wire.sent
					b.StartTimer()
				}
				rec, n := shared.nextRecord(s, records)
				if plain, _, err := layer.open(shared, rec); err != nil || len(plain) != size {
					b.Fatal(len(plain), err)
				}
				records = records[n:]
			}
		})
	}
}

// memoryWire is the server's net.Conn, which takes what is written, and reads what the client's handshake says.
type memoryWire struct {
	net.Conn
	client *tlsHandshake // nil when it is over
	told   chan struct{}
	in     []byte
	sent   []byte
}

func (w *memoryWire) Read(p []byte) (int, error) {
	for len(w.in) == 0 {
		<-w.told
		w.in, _, _ = w.client.collect()
	}
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

func (w *memoryWire) Write(p []byte) (int, error) {
	if w.client != nil {
		w.client.feed(p)
	}
	w.sent = append(w.sent, p...)
	return len(p), nil
}

// established does a handshake in memory.
func established(b *testing.B, options TLS) (recordLayer, *tls.Conn, *memoryWire) {
	b.Helper()
	options.CA = testAuthority.PEM()
	config, err := options.config("127.0.0.1")
	if err != nil {
		b.Fatal(err)
	}
	w := &memoryWire{told: make(chan struct{}, 100)}
	w.client = newTLSHandshake(&tlsSession{}, options.compact(), func(*tlsSession) { w.told <- struct{}{} })
	go w.client.run(config)
	server := tls.Server(w, &tls.Config{Certificates: []tls.Certificate{testAuthority.Issue("127.0.0.1")}, DynamicRecordSizingDisabled: true})
	if err := server.Handshake(); err != nil {
		b.Fatal(err)
	}
	var result *tlsResult
	for _, result, _ = w.client.collect(); result == nil; _, result, _ = w.client.collect() {
		<-w.told
	}
	if result.err != nil {
		b.Fatal(result.err)
	}
	w.client = nil
	return result.layer, server, w
}
