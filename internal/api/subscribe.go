package api

import (
	"net/http"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// maxSubscribe bounds the channels of one subscribe or unsubscribe.
const maxSubscribe = 1000

// Target says which clients are meant: exactly one of its fields is set.
type Target struct {
	Client string `json:"client,omitempty"` // the one with this id
	User   string `json:"user,omitempty"`   // all of this user
	Token  string `json:"token,omitempty"`  // all that have come with the token of this id ("jti")
}

// Valid tells whether that is so, and the name not too long.
func (t Target) Valid() bool {
	set, bytes := 0, 0
	for _, name := range [...]string{t.Client, t.User, t.Token} {
		if name != "" {
			set++
			bytes = len(name)
		}
	}
	return set == 1 && bytes <= maxTargetBytes
}

func newTarget(kind, name string) (t Target) {
	switch kind {
	case "client":
		t.Client = name
	case "user":
		t.User = name
	case "token":
		t.Token = name
	}
	return t
}

// subscribe serves POST /api/subscribe, and unsubscribe POST /api/unsubscribe.
func (h *handler) subscribe(w http.ResponseWriter, body []byte) {
	changeSubscriptions(w, body, h.config.Clients.Subscribe)
}

func (h *handler) unsubscribe(w http.ResponseWriter, body []byte) {
	changeSubscriptions(w, body, h.config.Clients.Unsubscribe)
}

func changeSubscriptions(w http.ResponseWriter, body []byte, change func(Target, []string) Reached) {
	var channel, channels []byte
	for key, value := range jsonobject.Members(body) {
		switch string(key) {
		case "channel":
			channel = value
		case "channels":
			channels = value
		}
	}
	target, err := targetOf(body)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	names, err := native.ChannelNames(channel, channels)
	if err == nil && len(names) > maxSubscribe {
		err = &native.Error{Code: native.CodeLimit, Message: "more than 1,000 channels"}
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	replyReached(w, "clients", change(target, names))
}

// targetOf reads whom a body means.
func targetOf(body []byte) (t Target, err *native.Error) {
	kind, name, err := target(body, "client", "user")
	return newTarget(kind, name), err
}
