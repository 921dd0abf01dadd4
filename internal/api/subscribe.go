package api

import (
	"net/http"
	"strconv"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// maxSubscribe bounds the channels of one subscribe or unsubscribe.
const maxSubscribe = 1000

// Target says which clients are meant: exactly one of its fields is set.
type Target struct {
	Client string // the one with this id
	User   string // all of this user
}

// subscribe serves POST /api/subscribe, and unsubscribe POST /api/unsubscribe.
func (h *handler) subscribe(w http.ResponseWriter, body []byte) {
	changeSubscriptions(w, body, h.config.Clients.Subscribe)
}

func (h *handler) unsubscribe(w http.ResponseWriter, body []byte) {
	changeSubscriptions(w, body, h.config.Clients.Unsubscribe)
}

func changeSubscriptions(w http.ResponseWriter, body []byte, change func(Target, []string) int) {
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
	reply(w, http.StatusOK, append(strconv.AppendInt([]byte(`{"clients":`), int64(change(target, names)), 10), '}'))
}

// targetOf reads whom a body means.
func targetOf(body []byte) (t Target, err *native.Error) {
	kind, name, err := target(body, "client", "user")
	if kind == "user" {
		return Target{User: name}, err
	}
	return Target{Client: name}, err
}
