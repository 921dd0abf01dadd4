package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// maxBroadcast bounds the channels of one broadcast.
const maxBroadcast = 1000

// publication is what publish and broadcast have in common.
type publication struct {
	data    []byte
	exclude string
	key     string
	receipt bool
	until   time.Time       // the end of all waiting for the engine
	trace   context.Context // what it is a part of
}

// members are the members of a request that mean something; nil where there is none.
type members struct{ channel, channels, user, data, exclude, key, receipt []byte }

func pick(body []byte) (m members) {
	for key, value := range jsonobject.Members(body) {
		switch string(key) {
		case "channel":
			m.channel = value
		case "channels":
			m.channels = value
		case "user":
			m.user = value
		case "data":
			m.data = value
		case "exclude":
			m.exclude = value
		case "idempotency_key":
			m.key = value
		case "receipt":
			m.receipt = value
		}
	}
	return m
}

func (m *members) publication(trace context.Context) (p publication, err *native.Error) {
	p.trace = trace
	if m.data == nil {
		return p, &native.Error{Code: native.CodeBadRequest, Message: "data is missing"}
	}
	p.until = time.Now().Add(handleTimeout)
	p.data = bytes.Clone(m.data) // a history keeps it, and shall not keep all of the body with it
	if p.exclude, err = stringMember(m.exclude, "exclude"); err != nil {
		return p, err
	}
	if p.receipt, err = receiptMember(m.receipt); err != nil {
		return p, err
	}
	p.key, err = native.IdempotencyKey(m.key)
	return p, err
}

// destination is the channel that channel names, or the personal one of the user.
func (m *members) destination() (string, *native.Error) {
	if m.user == nil {
		return native.ChannelName(m.channel)
	}
	user, ok := jsonobject.String(m.user)
	if !ok || user == "" || m.channel != nil {
		return "", &native.Error{Code: native.CodeBadRequest, Message: "either channel or user, a string"}
	}
	name := channel.Personal(user)
	return name, native.CheckChannel(name)
}

// publish serves POST /api/publish.
func (h *handler) publish(w http.ResponseWriter, body []byte, patience *patience) {
	m := pick(body)
	name, err := m.destination()
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	p, err := m.publication(patience.trace)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	result, failure := h.publishAndTell(name, &p)
	if failure != nil {
		fail(w, statusOf(failure), translate(failure))
		return
	}
	if p.receipt {
		patience.wait(result)
	}
	reply(w, http.StatusOK, append(appendResult([]byte{'{'}, name, result, p.receipt), '}'))
}

// broadcast serves POST /api/broadcast: the same to several channels, each with a result of its own. What is wrong with the
// request as a whole publishes nothing.
func (h *handler) broadcast(w http.ResponseWriter, body []byte, patience *patience) {
	m := pick(body)
	names, err := broadcastChannels(m.channels)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	p, err := m.publication(patience.trace)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	results := make([]broadcastResult, len(names)) // all are on their way before the first receipt is waited for
	for i, name := range names {
		results[i] = h.broadcastTo(name, &p)
	}
	answer := []byte(`{"results":[`)
	for i, name := range names {
		if i > 0 {
			answer = append(answer, ',')
		}
		if p.receipt {
			patience.wait(results[i].result)
		}
		answer = append(results[i].append(append(answer, '{'), name, p.receipt), '}')
	}
	reply(w, http.StatusOK, append(answer, "]}"...))
}

// broadcastResult is what became of one channel of a broadcast.
type broadcastResult struct {
	result  broker.Result
	failure *native.Error // nil: it was published
}

// broadcastTo publishes to one of the channels.
func (h *handler) broadcastTo(name string, p *publication) (o broadcastResult) {
	if o.failure = native.CheckChannel(name); o.failure != nil {
		return o
	}
	result, err := h.publishAndTell(name, p)
	if err != nil {
		return broadcastResult{failure: translate(err)}
	}
	return broadcastResult{result: result}
}

// append appends its members, without braces.
func (o *broadcastResult) append(answer []byte, name string, receipt bool) []byte {
	failure := o.failure
	if failure == nil {
		return appendResult(answer, name, o.result, receipt)
	}
	answer = append(append(answer, `"channel":`...), quote(name)...)
	answer = append(append(answer, `,"code":`...), strconv.Quote(failure.Code)...)
	return append(append(answer, `,"message":`...), strconv.Quote(failure.Message)...)
}

// quote writes a name that may hold anything as JSON.
func quote(name string) []byte {
	quoted, _ := json.Marshal(name) // a string can't fail
	return quoted
}

// broadcastChannels reads the channels' names. A bad one is the result of that channel, not of the broadcast.
func broadcastChannels(value []byte) ([]string, *native.Error) {
	elements, ok := jsonobject.Elements(value)
	if !ok {
		return nil, &native.Error{Code: native.CodeBadRequest, Message: "channels must be an array of strings"}
	}
	var names []string
	for element := range elements {
		name, ok := jsonobject.String(element)
		if !ok {
			return nil, &native.Error{Code: native.CodeBadRequest, Message: "channels must be an array of strings"}
		}
		if len(names) == maxBroadcast {
			return nil, &native.Error{Code: native.CodeLimit, Message: "more than 1,000 channels"}
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, &native.Error{Code: native.CodeBadRequest, Message: "channels is empty"}
	}
	return names, nil
}
