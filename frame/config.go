package frame

// DefaultMaxMessageBytes stands for a DecoderConfig.MaxMessageBytes of 0.
const DefaultMaxMessageBytes = 64 << 10

// maxFreePartials bounds a free list: about 256 x 100 B = 25 KB for each goroutine. A burst of more half-arrived
// messages than that leaves the rest to the garbage collector.
const maxFreePartials = 256

// DecoderConfig is shared by all Decoders of one goroutine, and confined to it: it also keeps the free list of their
// scratch state. It must not be copied, nor a limit changed, once a Decoder has used it.
type DecoderConfig struct {
	// Role is the side that decodes. The default is Server.
	Role Role

	// MaxMessageBytes limits the sum of the payloads of one message's frames. A header that would exceed it fails with
	// ErrMessageTooBig before any of its payload is read. 0 means DefaultMaxMessageBytes. What a peer makes the
	// connection hold is what has arrived and 64 KiB; a message of more than 64 KiB is held once more while it is
	// joined for the handler.
	MaxMessageBytes int64

	// MaxFragments limits the frames of one message; 0 means no limit. Without one a peer may send empty fragments
	// for ever: they cost no memory, but time.
	MaxFragments int

	// NewBuffer gives the buffers in which cut and fragmented payloads are put together. size is a hint: as many bytes
	// as are written to it at once, never a length that the peer only claims. The buffer should grow by doubling. nil
	// takes buffers from the heap; a nil Buffer fails the connection with ErrBufferRefused.
	NewBuffer func(size int) Buffer

	// Inflater is for connections that have negotiated permessage-deflate (RFC 7692), nil for the others. Their compressed
	// messages may come in up to 64 KiB more than MaxMessageBytes, and not be longer than that when inflated.
	Inflater *Inflater

	// Window is the context of the messages that come, under context takeover; nil: each stands alone. One that is not
	// nil makes the config that of one Decoder.
	Window *Window

	// Frames counts the frames that have begun, of all Decoders, for callers that limit their rate: a peer's fragments
	// otherwise show only when their message is whole.
	Frames uint64

	free      *partial // linked by next
	freeCount int
}

func (c *DecoderConfig) maxMessageBytes() int64 {
	if c.MaxMessageBytes == 0 {
		return DefaultMaxMessageBytes
	}
	return c.MaxMessageBytes
}

// maxWireBytes is how long a message may be as it arrives.
func (c *DecoderConfig) maxWireBytes(compressed bool) int64 {
	if compressed {
		return c.maxMessageBytes() + inflateSlack
	}
	return c.maxMessageBytes()
}

func (c *DecoderConfig) newBuffer(size int) Buffer {
	if c.NewBuffer == nil {
		return newHeapBuffer(size)
	}
	return c.NewBuffer(size)
}

// take gives an empty scratch state.
func (c *DecoderConfig) take() *partial {
	p := c.free
	if p == nil {
		return &partial{}
	}
	c.free = p.next
	c.freeCount--
	p.next = nil
	return p
}

// put takes a scratch state back and empties it.
func (c *DecoderConfig) put(p *partial) {
	p.release()
	*p = partial{}
	if c.freeCount >= maxFreePartials {
		return
	}
	p.next = c.free
	c.free = p
	c.freeCount++
}
