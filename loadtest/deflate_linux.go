package loadtest

import "github.com/wsedge/wsedge/frame"

// deflateLevel is the fastest: what the generator sends is no measure of the server's compression.
const deflateLevel = 1

// loopDeflate is what all compressing connections of a loop share.
type loopDeflate struct {
	alone    codec // of connections whose messages stand alone
	inflater *frame.Inflater
	deflater *frame.Deflater // 1.1 MB, made with the first message that needs it
	counts   DeflateCounts   // of what connections with a window of their own did, and of equal reads
}

// codec is how a connection's messages are coded. Most connections share one.
type codec struct {
	decoding frame.DecoderConfig
	chunks   *chunkCache // nil: equal bytes do not mean equal messages
	window   *frame.Window
}

func newLoopDeflate(maxMessageBytes int64) *loopDeflate {
	d := &loopDeflate{inflater: frame.NewInflater()}
	d.alone = codec{decoding: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: maxMessageBytes, Inflater: d.inflater}, chunks: &chunkCache{}}
	return d
}

// extra is what a connection of TLS or permessage-deflate has besides. It lives in a table of its loop, so that plain
// connections stay as small as they are.
type extra struct {
	tls   *tlsSession
	codec *codec
}

// extraOf gives the connection an entry, if it has none. It is valid until another one is given.
func (l *loop) extraOf(c *conn) *extra {
	if c.extra == 0 {
		if n := len(l.freeExtras); n > 0 {
			c.extra, l.freeExtras = l.freeExtras[n-1], l.freeExtras[:n-1]
		} else {
			if len(l.extras) == 0 {
				l.extras = append(l.extras, extra{}) // 0 is none
			}
			c.extra = uint32(len(l.extras))
			l.extras = append(l.extras, extra{})
		}
	}
	return &l.extras[c.extra]
}

// endExtra takes the entry back, before the socket is closed.
func (l *loop) endExtra(c *conn) {
	if c.extra == 0 {
		return
	}
	if s := l.session(c); s != nil {
		l.endTLS(s, c)
	}
	l.extras[c.extra] = extra{}
	l.freeExtras = append(l.freeExtras, c.extra)
	c.extra = 0
}

// codecOf says how the connection's messages are coded.
func (l *loop) codecOf(c *conn) (*frame.DecoderConfig, *chunkCache) {
	if c.extra != 0 {
		if own := l.extras[c.extra].codec; own != nil {
			return &own.decoding, own.chunks
		}
	}
	return &l.decoding, &l.chunks
}

// deflateAgreed gives the connection the codec that both ends have agreed on.
func (l *loop) deflateAgreed(c *conn, d frame.Deflate) {
	if d.ServerWindowBits == 0 {
		return
	}
	if l.deflate == nil {
		l.deflate = newLoopDeflate(l.decoding.MaxMessageBytes)
	}
	l.deflate.counts.Accepted++
	own := &l.deflate.alone
	if d.ServerTakeover || d.ClientTakeover {
		own = &codec{decoding: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: l.decoding.MaxMessageBytes, Inflater: l.deflate.inflater}}
		if d.ServerTakeover {
			l.deflate.counts.ServerTakeover++
			own.decoding.Window = frame.NewWindow(max(d.ServerWindowBits, frame.MinWindowBits))
		} else {
			own.chunks = l.deflate.alone.chunks
		}
		if d.ClientTakeover {
			own.window = frame.NewWindow(d.ClientWindowBits)
		}
	}
	l.extraOf(c).codec = own
}

// appendMessage appends a message of the client's to dst as one masked frame, compressed where that was agreed on and makes it
// smaller.
func (l *loop) appendMessage(dst []byte, c *conn, op frame.Opcode, payload []byte) []byte {
	if c.extra == 0 || l.extras[c.extra].codec == nil {
		return frame.AppendMaskedFrame(dst, op, payload, l.nextMask())
	}
	d := l.deflate
	if d.deflater == nil {
		d.deflater = frame.NewDeflater(frame.MaxWindowBits, deflateLevel)
	}
	dst, compressed := d.deflater.AppendMaskedFrame(dst, op, payload, l.extras[c.extra].codec.window, l.nextMask())
	if compressed {
		d.counts.SentMessages++
	}
	return dst
}

// inflatedSoFar is how far the loop's inflater is.
func (l *loop) inflatedSoFar() inflated {
	if l.deflate == nil {
		return inflated{}
	}
	return inflatedBy(l.deflate.inflater)
}

// bookInflated counts what a read that was equal to an earlier one held.
func (l *loop) bookInflated(again inflated) {
	if l.deflate != nil {
		l.deflate.counts.addInflated(again)
	}
}

// deflateCounts sums up. It is called after the loop has ended.
func (l *loop) deflateCounts() (sum DeflateCounts) {
	if l.deflate != nil {
		sum = l.deflate.counts
		sum.addInflated(l.inflatedSoFar())
	}
	return sum
}
