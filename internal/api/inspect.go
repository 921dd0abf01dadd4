package api

import (
	"encoding/json"
	"net/http"
)

// Bounds of what /api/client answers: some 2.5 MB at worst.
const (
	// MaxInspected is how many connections of a user are told.
	MaxInspected = 100
	// MaxClientChannels is how many channels of a Client are told.
	MaxClientChannels = 100
)

// Client is a connection as /api/client tells of it.
type Client struct {
	ID               string   `json:"client"`
	User             string   `json:"user,omitempty"`
	Dialect          string   `json:"dialect"`
	Address          string   `json:"address"` // of the peer, as limits see it
	ConnectedSeconds int64    `json:"connected_seconds"`
	Channels         []string `json:"channels"` // by name, at most MaxClientChannels
	ChannelCount     int      `json:"channel_count"`
	QueuedBytes      int64    `json:"queued_bytes"`         // on the wire, what the peer has not taken
	ExpiresIn        *int64   `json:"expires_in,omitempty"` // seconds until its token expires; nil without one
}

// client serves POST /api/client.
func (h *handler) client(w http.ResponseWriter, body []byte) {
	target, err := targetOf(body)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	answer := struct {
		Clients []Client `json:"clients"`
		More    bool     `json:"more,omitempty"`
		Missing int      `json:"missing,omitempty"`
	}{Clients: []Client{}}
	found, more, missing := h.config.Clients.Inspect(target, MaxInspected)
	if found != nil {
		answer.Clients = found
	}
	answer.More, answer.Missing = more, missing
	text, _ := json.Marshal(answer) // strings, numbers and lists of them: it can't fail
	reply(w, http.StatusOK, text)
}
