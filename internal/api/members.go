package api

import (
	"net/http"
	"strconv"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// ofThisNode fills in what tells of this node alone.
func (c *Config) ofThisNode() {
	if c.Members == nil {
		c.Members = c.Hub.Members
	}
	if c.Channels == nil {
		c.Channels = func(prefix, after string, limit int) (page []hub.Listed, more, incomplete bool) {
			page, more = c.Hub.List(prefix, after, limit)
			return page, more, false
		}
	}
}

// presence serves POST /api/presence: who is subscribed to a channel.
func (h *handler) presence(w http.ResponseWriter, body []byte) {
	var name, limit, after []byte
	for key, value := range jsonobject.Members(body) {
		switch string(key) {
		case "channel":
			name = value
		case "limit":
			limit = value
		case "after":
			after = value
		}
	}
	channel, err := native.ChannelName(name)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	page, err := native.ParsePage(limit, after)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	// Each member of the answer comes behind a comma: the first of them makes way for the brace.
	answer := native.AppendMembers(nil, h.config.Members(channel, page.After, page.Limit))
	answer[0] = '{'
	reply(w, http.StatusOK, append(answer, '}'))
}

// channels serves POST /api/channels: those that are open, with their subscribers.
func (h *handler) channels(w http.ResponseWriter, body []byte) {
	var prefix, limit, after []byte
	for key, value := range jsonobject.Members(body) {
		switch string(key) {
		case "prefix":
			prefix = value
		case "limit":
			limit = value
		case "after":
			after = value
		}
	}
	page, err := native.ParsePage(limit, after)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	beginning, err := stringMember(prefix, "prefix")
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	list, more, incomplete := h.config.Channels(beginning, page.After, page.Limit)
	answer := []byte(`{"channels":[`)
	for i, c := range list {
		if i > 0 {
			answer = append(answer, ',')
		}
		answer = append(append(append(answer, `{"channel":"`...), c.Name...), `","subscribers":`...)
		answer = append(strconv.AppendInt(answer, int64(c.Subscribers), 10), '}')
	}
	if answer = append(answer, ']'); more {
		answer = append(append(append(answer, `,"next":"`...), list[len(list)-1].Name...), '"')
	}
	if incomplete {
		answer = append(answer, `,"incomplete":true`...)
	}
	reply(w, http.StatusOK, append(answer, '}'))
}
