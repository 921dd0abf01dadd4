package flight

import (
	"fmt"
	"strconv"
	"time"
)

// Why the reactor closes a connection by itself, in its order: A of an Ending event.
const (
	CauseShutdown uint64 = iota
	CauseSlow
	CauseNoPong
	CauseMessageTimeout
	CauseRate
	CausePanic
)

// Verdict says in a sentence why the connection has ended, or how it is.
func (r *Report) Verdict() string {
	if r.End == nil {
		return "open for " + duration(r.Until.Sub(r.Opened)) + r.waiting()
	}
	e := r.End
	switch {
	case e.Remote:
		return "closed by the client with " + strconv.Itoa(e.Code) + named(standardCodes[e.Code]) + quoted(e.Reason) + r.waiting()
	case e.Code == abnormal:
		return r.lost()
	}
	if ending := r.last(Ending); ending != nil {
		return r.byServer() + ": " + ending.why()
	}
	if why := r.reason(); why != "" {
		return r.byServer() + ": " + why
	}
	return r.byServer()
}

// abnormal is the code of a connection that ended without a close frame (RFC 6455, section 7.4.1).
const abnormal = 1006

// standardCodes are those that clients close with.
var standardCodes = map[int]string{
	1000: "normal", 1001: "going away", 1002: "protocol error", 1003: "data of a kind that it does not take", 1005: "without a code", 1007: "bad payload",
	1008: "against its policy", 1009: "message too large for it", 1011: "internal error",
}

func named(meaning string) string {
	if meaning == "" {
		return ""
	}
	return ", " + meaning
}

// quoted is a reason that somebody else has written.
func quoted(reason string) string {
	if reason == "" {
		return ""
	}
	return fmt.Sprintf(", and the words %q", reason)
}

func (r *Report) byServer() string {
	text := "closed by the server with " + strconv.Itoa(r.End.Code)
	if r.End.Reason != "" {
		text += " " + r.End.Reason
	}
	return text
}

// lost is the verdict on a connection without a close frame.
func (r *Report) lost() string {
	text := ""
	switch r.End.Err {
	case ErrReset:
		text = "reset by the client's system, or by what is in between, without a close frame"
	case ErrTimeout:
		text = "lost: the network, or the client's system, did not answer any more"
	case ErrEOF, "":
		text = "ended by the client, or by what is in between, without a close frame"
	default:
		text = "lost without a close frame: " + r.End.Err
	}
	if ping := r.last(Pinged); ping != nil {
		text += "; last pinged " + duration(r.Until.Sub(r.Opened)-ping.At) + " before"
	}
	return text + r.waiting()
}

// waiting says that the socket has not taken all, if that is so.
func (r *Report) waiting() string {
	congested, drained := r.last(Congested), r.last(Drained)
	if congested == nil || drained != nil && drained.At >= congested.At {
		return ""
	}
	return "; its socket had not taken all for " + duration(r.Until.Sub(r.Opened)-congested.At)
}

// why explains what the reactor did.
func (e *Event) why() string {
	age, silent := time.Duration(e.C)*time.Millisecond, time.Duration(e.D)*time.Millisecond
	heard := "; last heard from " + duration(silent) + " before"
	switch e.A {
	case CauseShutdown:
		return "the server was shutting down"
	case CauseSlow:
		if e.B == 0 {
			return "more was published at once than may wait for it" + heard
		}
		return size(e.B) + " waited, the oldest of it for " + duration(age) + heard
	case CauseNoPong:
		return "a ping was not answered in time" + heard
	case CauseMessageTimeout:
		return "a message was begun and not finished in time" + heard
	case CauseRate:
		return "it sent more frames a second than it may"
	default:
		return "the server failed at handling it; its log has the panic"
	}
}

// reason explains the reason that the push server gave; "" where there is no more to say.
func (r *Report) reason() string {
	why, refusals := explanations[r.End.Reason], r.last(Refused)
	switch {
	case 1002 <= r.End.Code && r.End.Code <= 1009 && why == "" && r.End.Code != 1008:
		return "it broke the WebSocket protocol, or a limit of it"
	case r.End.Code == 3500 && why == "":
		return "its token was not good"
	case why == "" && refusals != nil:
		why = "it was refused before"
	}
	if refusals == nil {
		return why
	}
	text := why + "; the last refusal before: " + word(refusals.A)
	if refusals.Count > 1 {
		text += ", " + strconv.FormatUint(refusals.Count, 10) + " times in a row"
	}
	return text
}

// explanations are of the reasons that the push server gives.
var explanations = map[string]string{
	"forced": "the API disconnected it", "shutdown": "the server was shutting down", "expired": "its token had expired, and no other came in time",
	"revoked": "its token, or all of its user's, were revoked", "token_revoked": "its token, or all of its user's, were revoked",
	"connect_timeout": "no token came in time", "user_connections": "its user had too many connections",
	"permission_denied": "it asked for too much that it may not do, or had a channel that it may not have any more", "bad_request": "too many of its messages were bad",
	"text_frames_only": "it sent a binary message", "limit": "too many of its commands waited for an answer, or the node had too many channels",
	"unavailable": "the engine, or the backend that decides, did not answer", "key_unknown": "the key of its token could not be had yet",
	"slow": "it was too slow for what it had asked for", "message_rate": "it went on sending too many messages after it had been refused",
	"user_message_rate": "its user went on sending too many messages after they had been refused", "publish_rate": "it went on publishing too much after it had been refused",
	"message_bytes": "it went on publishing too large data after it had been refused", "channels": "it went on subscribing to too many channels after it had been refused",
}

// size writes a number of bytes for people.
func size(n uint64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return strconv.FormatUint(n, 10) + " B"
}

// duration writes one for people: with a tenth of a second where that matters, and nothing below seconds otherwise.
func duration(d time.Duration) string {
	d = max(d, 0)
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
