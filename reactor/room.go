package reactor

// DefaultOutboundMaxBytes is Config.OutboundMaxBytes where that is zero.
const DefaultOutboundMaxBytes = 1 << 20

// OutboundRoom is how many bytes on the wire the conn can still be sent before it would end as slow, should its peer take none of
// them. It goes through what this turn has gathered for the conn: it is for those about to send much, not for every message.
func (c *Conn) OutboundRoom() int64 {
	c.loop.check()
	return max(c.outboundLimit()-c.OutboundBytes(), 0)
}

// OutboundBytes is how many bytes on the wire wait for the conn: those that its peer has not taken, and what this turn has gathered for it.
func (c *Conn) OutboundBytes() (waiting int64) {
	c.loop.check()
	if c.out != nil {
		waiting += c.out.bytes
	}
	if c.gathered != 0 {
		nodes := c.loop.arena.nodes
		for i := nodes[c.gathered].next; ; i = nodes[i].next {
			waiting += nodes[i].size()
			if i == c.gathered {
				break
			}
		}
	}
	if c.loop.corked == c {
		waiting += int64(len(c.loop.cork))
	}
	return waiting
}
