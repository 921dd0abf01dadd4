package loadtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Recipe returns the protocol of that name: wsedge, raw, echo, centrifugo or socketio. docs/WSLOAD.md shows what is in them.
func Recipe(name string) (Protocol, error) {
	build, ok := recipes[name]
	if !ok {
		return Protocol{}, fmt.Errorf("no protocol %q; there are %s", name, strings.Join(RecipeNames(), ", "))
	}
	p := build()
	p.Name = name
	return p, nil
}

// RecipeNames lists the names that Recipe knows.
func RecipeNames() []string { return slices.Sorted(maps.Keys(recipes)) }

const (
	recipeWsedge = "wsedge"
	recipeRaw    = "raw"
	recipeEcho   = "echo"
)

var recipes = map[string]func() Protocol{
	recipeWsedge: wsedgeProtocol,
	recipeRaw:    rawProtocol,
	recipeEcho:   func() Protocol { return Protocol{Echo: "{{payload}}"} },
	"centrifugo": centrifugoProtocol,
	"socketio":   socketIOProtocol,
}

// wsedgeProtocol is the native dialect: docs/PROTOCOL.md.
func wsedgeProtocol() Protocol {
	refused := &Refusal{Rule: Rule{JSON: map[string]string{"type": "error"}}, Code: "code"}
	return Protocol{
		Recover: &Recover{
			Epoch: "epoch", Offset: "offset", Message: "offset",
			Send:      `{"type":"subscribe","id":{{id}},"channel":"{{channel}}","recover":{"epoch":"{{epoch}}","offset":{{offset}}}}`,
			Recovered: Rule{JSON: map[string]string{"recovered": "true"}},
			Ticket: &Ticket{
				Path: "ticket", Mark: `"type":"ticket"`,
				Send: `{"type":"connect","id":{{id}},"ticket":"{{ticket}}","positions":{"{{channel}}":{"epoch":"{{epoch}}","offset":{{offset}}}}}`,
			},
		},
		Connect: &SetupStep{
			Send:    `{"type":"connect","id":{{id}},{{credentials}}}`,
			Expect:  &Rule{JSON: map[string]string{"type": "welcome", "id": "{{id}}"}},
			Refused: refused,
		},
		Setup: []SetupStep{{
			Send:    `{"type":"subscribe","id":{{id}},"channel":"{{channel}}"}`,
			Expect:  &Rule{JSON: map[string]string{"type": "subscribed"}},
			Refused: refused,
		}},
		Publish: PublishWays{
			HTTP: &HTTPPublish{URL: "/api/publish", Body: `{"channel":"{{channel}}","data":"{{payload}}"}`},
			WebSocket: &WebSocketPublish{
				Send:    `{"type":"publish","id":{{id}},"channel":"{{channel}}","data":"{{payload}}"}`,
				Ack:     Ack{Rule: Rule{JSON: map[string]string{"type": "published", "id": "{{id}}"}}},
				Refused: refused,
			},
		},
	}
}

// rawProtocol is the dialect whose URL subscribes.
func rawProtocol() Protocol {
	publish := wsedgeProtocol().Publish
	publish.WebSocket.URL = "/ws" // the raw endpoint takes nothing
	return Protocol{Publish: publish}
}

// centrifugoProtocol is the JSON client protocol of Centrifugo and its HTTP API:
// https://centrifugal.dev/docs/transports/client_protocol and https://centrifugal.dev/docs/server/server_api.
func centrifugoProtocol() Protocol {
	refused := &Refusal{Rule: Rule{JSON: map[string]string{"id": "{{id}}"}}, Code: "error.code"}
	reply := func(to string) Rule {
		return Rule{Contains: `"` + to + `":`, JSON: map[string]string{"id": "{{id}}"}}
	}
	connect, subscribe := reply("connect"), reply("subscribe")
	return Protocol{
		Setup: []SetupStep{
			{Send: `{"id":{{id}},"connect":{}}`, Expect: &connect, Refused: refused},
			{Send: `{"id":{{id}},"subscribe":{"channel":"{{channel}}"}}`, Expect: &subscribe, Refused: refused},
		},
		Answers: []Answer{{Match: Rule{Equals: "{}"}, Send: "{}"}},
		Split:   splitLines,
		Recover: &Recover{
			Epoch: "subscribe.epoch", Offset: "subscribe.offset", Message: "push.pub.offset",
			Send:      `{"id":{{id}},"subscribe":{"channel":"{{channel}}","recover":true,"epoch":"{{epoch}}","offset":{{offset}}}}`,
			Recovered: Rule{JSON: map[string]string{"subscribe.recovered": "true"}},
			List:      &RecoveredList{Path: "subscribe.publications", Offset: "offset"},
		},
		Publish: PublishWays{
			HTTP: &HTTPPublish{
				URL:  "/api/publish",
				Body: `{"channel":"{{channel}}","data":"{{payload}}"}`,
				OK:   &Rule{Contains: `"result":`},
			},
			WebSocket: &WebSocketPublish{
				Send:    `{"id":{{id}},"publish":{"channel":"{{channel}}","data":"{{payload}}"}}`,
				Ack:     Ack{Rule: reply("publish")},
				Refused: refused,
			},
		},
	}
}

// socketIOProtocol is Socket.IO 4 over WebSocket alone (https://socket.io/docs/v4/socket-io-protocol/), for a server whose
// application has the events subscribe, publish and echo; the first two are acknowledged.
func socketIOProtocol() Protocol {
	acknowledged := &Rule{Prefix: "43{{id}}["}
	return Protocol{
		Setup: []SetupStep{
			{Expect: &Rule{Prefix: "0{"}},
			{Send: "40", Expect: &Rule{Prefix: "40"}, Refused: &Refusal{Rule: Rule{Prefix: "44"}}},
			{Send: `42{{id}}["subscribe","{{channel}}"]`, Expect: acknowledged},
		},
		Answers: []Answer{{Match: Rule{Equals: "2"}, Send: "3"}},
		Echo:    `42["echo","{{payload}}"]`,
		Publish: PublishWays{WebSocket: &WebSocketPublish{
			Send: `42{{id}}["publish","{{channel}}","{{payload}}"]`,
			Ack:  Ack{Rule: *acknowledged},
		}},
	}
}
