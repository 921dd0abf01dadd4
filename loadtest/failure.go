package loadtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/wsedge/wsedge/frame"
)

// failure is one thing that went wrong: its class and kind for machines, and a text for people. None of them names an
// address or a port, so that equal failures are counted together.
type failure struct {
	class failureClass
	kind  string // of the classes that have kinds
	text  string
}

type failureClass uint8

const (
	failedOther failureClass = iota
	failedRefused
	failedReset
	failedTimeout
	failedDNS
	failedTLS
	failedStatus
	failedHandshake
	failedSubscription
	failedProtocol
	failedClose
)

// ErrorCounts says what failures there were, by class. Where a class has kinds, they are the keys.
type ErrorCounts struct {
	Total uint64 `json:"total"`
	// Refused: nobody listens there (ECONNREFUSED).
	Refused uint64 `json:"refused"`
	// Reset: the connection was torn down (ECONNRESET, EPIPE, ECONNABORTED).
	Reset uint64 `json:"reset"`
	// Timeout, by what was waited for: connect, handshake, subscription, receive, answer.
	Timeout map[string]uint64 `json:"timeout"`
	// DNS: the host's name has no address.
	DNS uint64 `json:"dns"`
	// TLS handshakes that failed, and records that were wrong; and a server that speaks TLS where plain text was expected.
	TLS uint64 `json:"tls"`
	// TLSCauses are the same by what was wrong: unknown_authority, expired, wrong_name, certificate, version, not_tls,
	// on_plain_port, closed (within the handshake), truncated (an end without close_notify, in the midst), too_much,
	// no_progress, bad_record, other; alert_ and the name of one that the server sent, sent_ and that of one that it was sent.
	TLSCauses map[string]uint64 `json:"tls_causes"`
	// HTTPStatus counts answers other than 101 to a handshake, and other than 2xx to a publication, by status.
	HTTPStatus map[string]uint64 `json:"http_status"`
	// BadHandshake counts answers that are no WebSocket handshake, by the reason of frame.HandshakeError; "closed" is none.
	BadHandshake map[string]uint64 `json:"bad_handshake"`
	// Subscription counts refused subscriptions by the code of the server's error.
	Subscription map[string]uint64 `json:"subscription"`
	// Protocol counts bytes that are no WebSocket frames, by the reason of frame.Error.
	Protocol map[string]uint64 `json:"protocol"`
	// Close counts connections that the server ended, by close code; 1006 came without a close frame, as in RFC 6455,
	// section 7.4.1.
	Close map[string]uint64 `json:"close"`
	// Other failures, by their text.
	Other map[string]uint64 `json:"other"`
}

func newErrorCounts() ErrorCounts {
	return ErrorCounts{
		Timeout: map[string]uint64{}, HTTPStatus: map[string]uint64{}, BadHandshake: map[string]uint64{},
		Subscription: map[string]uint64{}, Protocol: map[string]uint64{}, Close: map[string]uint64{}, Other: map[string]uint64{}, TLSCauses: map[string]uint64{},
	}
}

// count adds n failures.
func (e *ErrorCounts) count(f failure, n uint64) {
	e.Total += n
	switch f.class {
	case failedRefused:
		e.Refused += n
	case failedReset:
		e.Reset += n
	case failedTimeout:
		countCause(e.Timeout, f.kind, n)
	case failedDNS:
		e.DNS += n
	case failedTLS:
		e.TLS += n
		countCause(e.TLSCauses, f.kind, n)
	case failedStatus:
		countCause(e.HTTPStatus, f.kind, n)
	case failedHandshake:
		countCause(e.BadHandshake, f.kind, n)
	case failedSubscription:
		countCause(e.Subscription, f.kind, n)
	case failedProtocol:
		countCause(e.Protocol, f.kind, n)
	case failedClose:
		countCause(e.Close, f.kind, n)
	default:
		countCause(e.Other, f.text, n)
	}
}

// add merges what another worker counted.
func (e *ErrorCounts) add(o ErrorCounts) {
	e.Total += o.Total
	e.Refused += o.Refused
	e.Reset += o.Reset
	e.DNS += o.DNS
	e.TLS += o.TLS
	mergeCounts(e.TLSCauses, o.TLSCauses)
	mergeCounts(e.Timeout, o.Timeout)
	mergeCounts(e.HTTPStatus, o.HTTPStatus)
	mergeCounts(e.BadHandshake, o.BadHandshake)
	mergeCounts(e.Subscription, o.Subscription)
	mergeCounts(e.Protocol, o.Protocol)
	mergeCounts(e.Close, o.Close)
	mergeCounts(e.Other, o.Other)
}

// line is for people: "2 refused, 1 reset, 3 × HTTP status 503".
func (e *ErrorCounts) line() string {
	var parts []string
	plain := func(n uint64, name string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	kinds := func(counts map[string]uint64, name string) {
		for _, kind := range slices.Sorted(maps.Keys(counts)) {
			parts = append(parts, fmt.Sprintf("%d × %s %s", counts[kind], name, kind))
		}
	}
	plain(e.Refused, "refused")
	plain(e.Reset, "reset")
	kinds(e.Timeout, "timeout of")
	plain(e.DNS, "DNS")
	kinds(e.TLSCauses, "TLS")
	kinds(e.HTTPStatus, "HTTP status")
	kinds(e.BadHandshake, "bad handshake")
	kinds(e.Subscription, "subscription")
	kinds(e.Protocol, "protocol")
	kinds(e.Close, "close")
	plain(sum(e.Other), "other")
	return strings.Join(parts, ", ")
}

// maxCauses bounds the texts that a server can make us keep; further ones are counted together.
const (
	maxCauses   = 100
	otherCauses = "others"
)

func countCause(counts map[string]uint64, cause string, n uint64) {
	if _, known := counts[cause]; !known && len(counts) >= maxCauses {
		cause = otherCauses
	}
	counts[cause] += n
}

func mergeCounts(into, from map[string]uint64) {
	for cause, n := range from {
		countCause(into, cause, n)
	}
}

// foreign makes a text of the server's fit for a report: 64 characters at most, and none that a terminal would obey.
func foreign(text []byte) string {
	const limit = 64
	runes := []rune(string(text[:min(len(text), 4*limit)]))
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = '?'
		}
	}
	if len(runes) > limit {
		runes = append(runes[:limit-1], '…')
	}
	return string(runes)
}

func statusFailure(status int) failure {
	code := strconv.Itoa(status)
	return failure{failedStatus, code, "status " + code}
}

func timeoutFailure(waitedFor string) failure {
	return failure{failedTimeout, waitedFor, "timeout: " + waitedFor}
}

// headFailure is of a head that frame.HeadScanner refused; its Status would be a server's answer to it.
func headFailure(head []byte, err error) failure {
	if isTLSRecord(head) {
		return tlsFailure(tlsOnPlainPort)
	}
	return badHandshake(reasonOf(err))
}

// answerFailure is of a server's answer to the handshake.
func answerFailure(err *frame.HandshakeError) failure {
	const switchingProtocols = 101
	if err.Status == 0 || err.Status == switchingProtocols {
		return badHandshake(err.Reason)
	}
	f := statusFailure(err.Status)
	f.text = "handshake: " + f.text
	return f
}

func badHandshake(reason string) failure {
	return failure{failedHandshake, reason, "handshake: " + reason}
}

func reasonOf(err error) string {
	switch e := err.(type) {
	case *frame.HandshakeError:
		return e.Reason
	case *frame.Error:
		return e.Reason
	}
	return err.Error()
}

// isTLSRecord knows a TLS alert or handshake record by its type and version (RFC 8446, section 5.1).
func isTLSRecord(b []byte) bool {
	return len(b) >= 3 && (b[0] == 21 || b[0] == 22) && b[1] == 3 && b[2] <= 4
}

func closeFailure(code frame.CloseCode, reason []byte) failure {
	f := failure{failedClose, strconv.Itoa(int(code)), "close " + strconv.Itoa(int(code))}
	if len(reason) > 0 {
		f.text += " " + foreign(reason)
	}
	return f
}

func protocolFailure(err error) failure {
	reason := reasonOf(err)
	return failure{failedProtocol, reason, "protocol: " + reason}
}
