package capacity

// What was measured, on cores of about 2.6 GHz (docs/BENCHMARKS.md), in seconds of one core. Where there are several figures it is the largest.
const (
	// deliverySeconds is for a publication to a connection, sent alone; what has gathered for a connection goes out in one write, and costs less (1.3 µs with eight).
	deliverySeconds = 7.5e-6
	// manySeconds is the same where a node has 18,000 connections or more, which no cache holds any more.
	manySeconds = 12e-6
	few, many   = 5_000, 18_000
	// byteSeconds is for each byte beyond the 128 that the above were measured with: twice through the memory.
	byteSeconds = 0.25e-9
	// idleSeconds is for a connection that is pinged every 25 s, each second.
	idleSeconds = 1e-6
	// handshakeSeconds is from accept to the first subscription, in plain text.
	handshakeSeconds = 100e-6
	// publishSeconds is for a publication by the API, publishing included.
	publishSeconds = 35e-6

	// storeSeconds is for what JetStream does with a publication, and heardSeconds for each node that is interested, at both ends together
	// (BenchmarkNodes in internal/broker/jetstream: 44 µs and 6 to 7 µs in one process; with a network between it is more).
	storeSeconds = 45e-6
	heardSeconds = 12e-6
	// streamRate is how many publications a second one stream takes, which is one namespace, one after the other.
	streamRate = 25_000

	// Bytes of a publication in the native dialect around its data, and of all that is around a frame: WebSocket, TCP, IP and Ethernet.
	envelopeBytes = 70
	headerBytes   = 4 + 32 + 20 + 38
)

// Secure says how connections are encrypted.
type Secure string

// The ways.
const (
	Plain   Secure = "none"
	TLS     Secure = "std"     // by the standard library
	Compact Secure = "compact" // by the compact record layer
)

// secured is what it costs.
type secured struct {
	handshakeSeconds, deliveryFactor float64
	recordBytes                      float64
}

var costs = map[Secure]secured{
	Plain:   {handshakeSeconds, 1, 0},
	TLS:     {410e-6 + handshakeSeconds, 1.29, 22},
	Compact: {415e-6 + handshakeSeconds, 1.20, 22},
}
