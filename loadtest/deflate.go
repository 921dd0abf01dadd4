package loadtest

import (
	"fmt"

	"github.com/wsedge/wsedge/frame"
)

// Deflate says whether permessage-deflate (RFC 7692) is offered.
type Deflate string

// What may be offered.
const (
	// NoDeflate does not offer it.
	NoDeflate Deflate = ""
	// DeflateEach has each message stand alone, in both directions: neither end keeps anything for the connection.
	DeflateEach Deflate = "each"
	// DeflateTakeover lets messages refer to earlier ones: up to 32 KiB a connection in each direction.
	DeflateTakeover Deflate = "takeover"
)

// ParseDeflate reads what --deflate may be given: nothing or "each", or "takeover".
func ParseDeflate(text string) (Deflate, error) {
	switch d := Deflate(text); d {
	case "", "true": // a flag that is only switched on
		return DeflateEach, nil
	case "false":
		return NoDeflate, nil
	case DeflateEach, DeflateTakeover:
		return d, nil
	}
	return NoDeflate, fmt.Errorf("want each or takeover, not %q", text)
}

func (d Deflate) valid() bool {
	return d == NoDeflate || d == DeflateEach || d == DeflateTakeover
}

func (d Deflate) offer() frame.DeflateOffer {
	return frame.DeflateOffer{Takeover: d == DeflateTakeover}
}

// headerLine offers it, where it is to be offered.
func (d Deflate) headerLine() string {
	if d == NoDeflate {
		return ""
	}
	return string(frame.AppendDeflateOffer(nil, d.offer()))
}

// DeflateReport says what came of permessage-deflate.
type DeflateReport struct {
	Offered Deflate       `json:"offered"` // "each" message alone, or with context "takeover"
	Counts  DeflateCounts `json:"counts"`
}

// DeflateCounts are of connections that compress, and of messages. One that is equal, octet for octet, to an earlier one is not
// inflated again, but counts like any other.
type DeflateCounts struct {
	Accepted        uint64 `json:"accepted"`         // connections for which the server agreed
	ServerTakeover  uint64 `json:"server_takeover"`  // of these, those whose server may refer to earlier messages
	Messages        uint64 `json:"messages"`         // that came compressed
	CompressedBytes uint64 `json:"compressed_bytes"` // of these, as they came, without frame headers
	InflatedBytes   uint64 `json:"inflated_bytes"`   // of these, as they are
	SentMessages    uint64 `json:"sent_messages"`    // that went compressed
}

func (c *DeflateCounts) add(o DeflateCounts) {
	c.Accepted += o.Accepted
	c.ServerTakeover += o.ServerTakeover
	c.Messages += o.Messages
	c.CompressedBytes += o.CompressedBytes
	c.InflatedBytes += o.InflatedBytes
	c.SentMessages += o.SentMessages
}

// addInflated adds what went through an inflater.
func (c *DeflateCounts) addInflated(n inflated) {
	c.Messages += n.messages
	c.CompressedBytes += n.compressed
	c.InflatedBytes += n.inflated
}

// inflated is how far an inflater is, or what one read brought.
type inflated struct{ messages, compressed, inflated uint64 }

func inflatedBy(f *frame.Inflater) inflated {
	return inflated{f.Messages, f.Compressed, f.Inflated}
}

func (n inflated) since(before inflated) inflated {
	return inflated{n.messages - before.messages, n.compressed - before.compressed, n.inflated - before.inflated}
}

// line is for people.
func (c *DeflateCounts) line() string {
	text := fmt.Sprintf("accepted on %d connections; %d messages came compressed", c.Accepted, c.Messages)
	if c.InflatedBytes > 0 {
		text += fmt.Sprintf(", %.1f %% of their %.1f MB", 100*float64(c.CompressedBytes)/float64(c.InflatedBytes), float64(c.InflatedBytes)/1e6)
	}
	if c.SentMessages > 0 {
		text += fmt.Sprintf("; %d went compressed", c.SentMessages)
	}
	return text
}
