package flight

import (
	"encoding/json"
	"strconv"
	"time"
)

// Names are the words of a number of the reactor's: why publications were dropped. A number beyond them is "other".
type Names []string

func (n Names) of(number uint64) string {
	if number >= uint64(len(n)) {
		return "other"
	}
	return n[number]
}

// AppendJSON appends the report as the API answers it. id is the client's. channels has the names of those that are known, by their hashes;
// drops the reasons for which publications are dropped.
func (r *Report) AppendJSON(dst []byte, id string, channels map[uint64]string, drops Names) []byte {
	dst = appendText(append(dst, '{'), "client", id)
	state := "open"
	if r.End != nil {
		state = "closed"
	}
	dst = appendText(append(dst, ','), "state", state)
	dst = appendText(append(dst, ','), "verdict", r.Verdict())
	dst = appendText(append(dst, ','), "opened", r.Opened.UTC().Format(timeFormat))
	if e := r.End; e != nil {
		dst = appendText(append(dst, ','), "closed", r.Until.UTC().Format(timeFormat))
		dst = append(dst, `,"code":`...)
		dst = strconv.AppendInt(dst, int64(e.Code), 10)
		for _, m := range [...]struct{ name, value string }{{"reason", e.Reason}, {"by", e.by()}, {"error", e.Err}, {"user", e.User}, {"dialect", e.Dialect}} {
			if m.value != "" {
				dst = appendText(append(dst, ','), m.name, m.value)
			}
		}
	}
	dst = append(dst, `,"duration_ms":`...)
	dst = strconv.AppendInt(dst, max(r.Until.Sub(r.Opened).Milliseconds(), 0), 10)
	dst = append(dst, `,"events":[`...)
	for i := range r.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.Events[i].appendJSON(dst, channels, drops)
	}
	dst = append(dst, ']')
	if r.Forgotten > 0 {
		dst = strconv.AppendInt(append(dst, `,"forgotten":`...), int64(r.Forgotten), 10)
	}
	return append(dst, '}')
}

// timeFormat is RFC 3339 with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// by is who ended it.
func (e *End) by() string {
	switch {
	case e.Remote:
		return "client"
	case e.Code == abnormal:
		return "network"
	}
	return "server"
}

func (e *Event) appendJSON(dst []byte, channels map[uint64]string, drops Names) []byte {
	dst = appendNumber(append(dst, '{'), "at_ms", uint64(e.At/time.Millisecond))
	dst = appendText(append(dst, ','), "event", e.Kind.String())
	if e.Count > 1 {
		dst = appendNumber(append(dst, ','), "count", e.Count)
	}
	if c := e.channel(); c != 0 {
		if name := channels[c]; name != "" {
			dst = appendText(append(dst, ','), "channel", name)
		} else {
			dst = appendText(append(dst, ','), "channel_hash", strconv.FormatUint(c, 16))
		}
	}
	switch e.Kind {
	case Refused:
		dst = appendText(append(dst, ','), "code", word(e.A))
	case Dropped:
		dst = appendText(append(dst, ','), "reason", drops.of(e.A))
	case Congested:
		dst = appendNumber(append(dst, ','), "bytes", e.A)
	case Ending:
		dst = appendText(append(dst, ','), "reason", causes.of(e.A))
		dst = appendNumber(append(dst, ','), "bytes", e.B)
		dst = appendNumber(append(dst, ','), "waited_ms", e.C)
		dst = appendNumber(append(dst, ','), "silent_ms", e.D)
	}
	return append(dst, '}')
}

// causes are the names of the reactor's causes, as its statistics have them.
var causes = Names{CauseShutdown: "shutdown", CauseSlow: "slow", CauseNoPong: "no_pong", CauseMessageTimeout: "message_timeout", CauseRate: "frame_rate", CausePanic: "panic"}

func appendText(dst []byte, name, value string) []byte {
	text, _ := json.Marshal(value) // a string can't fail
	return append(append(append(append(dst, '"'), name...), `":`...), text...)
}

func appendNumber(dst []byte, name string, value uint64) []byte {
	return strconv.AppendUint(append(append(append(dst, '"'), name...), `":`...), value, 10)
}
