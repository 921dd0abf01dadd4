package loadtest

import "bytes"

// chunkCache remembers what the last few reads decoded to. In a fan-out every connection receives the same bytes; where a
// whole read is equal, octet for octet, to one that went through the strict decoder from rest to rest, it decodes to the
// same messages, and comparing 200 bytes costs a tenth of decoding them and checking their sum.
type chunkCache struct {
	entries [4]chunk
	last    int // the entry that was hit last: the next connection most likely received the same
	oldest  int // the next one to be replaced
}

// chunk is one read that held only whole messages with good stamps of this run.
type chunk struct {
	bytes  []byte
	stamps []arrival
	// inflated is what of it came compressed.
	inflated inflated
}

// find returns the stamps of an equal read, or nil.
func (c *chunkCache) find(in []byte) []arrival {
	for i := range c.entries {
		at := (c.last + i) % len(c.entries)
		if e := &c.entries[at]; len(e.bytes) == len(in) && bytes.Equal(e.bytes, in) {
			c.last = at
			return e.stamps
		}
	}
	return nil
}

// arrival is a publication as it arrived.
type arrival struct {
	stamp
	offset uint64 // the server's, where the run recovers; 0 for none
}

// keep remembers a read. It copies both.
func (c *chunkCache) keep(in []byte, stamps []arrival) {
	e := &c.entries[c.oldest]
	e.bytes = append(e.bytes[:0], in...)
	e.stamps = append(e.stamps[:0], stamps...)
	c.last = c.oldest
	c.oldest = (c.oldest + 1) % len(c.entries)
}
