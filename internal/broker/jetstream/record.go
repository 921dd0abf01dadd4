package jetstream

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// Headers of a stored message. Data is stored as it is.
const (
	headerKind    = "Ws-Kind"    // absent: JSON
	headerClient  = "Ws-Client"  // escaped
	headerUser    = "Ws-User"    // escaped
	headerExclude = "Ws-Exclude" // escaped
	headerFrom    = "Ws-From"    // the node that published it, a dot, and a number
	headerReceipt = "Ws-Receipt" // there if somebody may ask what becomes of it on each node
)

// Headers that the server adds, or understands.
const (
	headerSequence     = "Nats-Sequence"
	headerLastSequence = "Nats-Last-Sequence"
	headerTime         = "Nats-Time-Stamp"
	headerPending      = "Nats-Num-Pending"
	headerUpTo         = "Nats-UpTo-Sequence"
	headerKey          = "Nats-Msg-Id"
	headerStatus       = "Status"
	headerDescription  = "Description"
)

// headersMaxBytes is room for the headers of a message: two ids of clients, and what has a fixed size. Ids that are longer make it too large.
const headersMaxBytes = 1 << 10

var kindWords = [...]string{broker.JSON: "", broker.Text: "text", broker.Binary: "binary"}

// messageOf is what is stored of a publication.
func messageOf(subject string, p *broker.Publication) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = p.Data
	if word := kindWords[p.Kind]; word != "" {
		m.Header.Set(headerKind, word)
	}
	if p.Client != "" {
		m.Header.Set(headerClient, url.QueryEscape(p.Client))
	}
	if p.User != "" {
		m.Header.Set(headerUser, url.QueryEscape(p.User))
	}
	if p.Exclude != "" {
		m.Header.Set(headerExclude, url.QueryEscape(p.Exclude))
	}
	if p.Receipt {
		m.Header.Set(headerReceipt, "1")
	}
	return m
}

// record is a stored publication. prev is the sequence of the one before it on its subject; only republished messages know it.
type record struct {
	*broker.Publication
	seq, prev uint64
	at        time.Time
	from      string
	receipt   bool // somebody may ask what becomes of it on this node
}

// recordOf reads a message that was republished, or read from a stream. It is false for one that is neither.
func recordOf(m *nats.Msg) (record, bool) {
	r := record{Publication: &broker.Publication{Data: m.Data}}
	var err error
	if r.seq, err = strconv.ParseUint(header(m, headerSequence), 10, 64); err != nil {
		return r, false
	}
	if r.prev, err = strconv.ParseUint(header(m, headerLastSequence), 10, 64); err != nil {
		return r, false
	}
	if r.at, err = time.Parse(time.RFC3339Nano, header(m, headerTime)); err != nil {
		return r, false
	}
	r.readHeaders(m)
	return r, true
}

// readHeaders reads what messageOf has written.
func (r *record) readHeaders(m *nats.Msg) {
	for kind, word := range kindWords {
		if word != "" && header(m, headerKind) == word {
			r.Kind = broker.Kind(kind)
		}
	}
	r.Client, r.User, r.Exclude = unescape(header(m, headerClient)), unescape(header(m, headerUser)), unescape(header(m, headerExclude))
	r.from = header(m, headerFrom)
	r.receipt = header(m, headerReceipt) != ""
}

// header is the first value of a header, "" where there is none.
func header(m *nats.Msg, name string) string {
	if values := m.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// unescape undoes url.QueryEscape. What others than wsedge have stored is taken as it is.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
