package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"
)

// secret is the channel that nobody may subscribe to.
const secret = "secret"

// maxBody is the largest request of the API, and maxMessage the largest message of a client, in bytes: wsload's largest, and
// room for the envelope.
const (
	maxBody    = 1<<20 + 1024
	maxMessage = maxBody
)

// kept has a publication kept for those that come back.
var kept = centrifuge.WithHistory(1000, time.Minute)

// newNode lets anyone in. batch is how long the library waits for more to join in one frame; 0 is its default, not at all.
func newNode(batch time.Duration) (*centrifuge.Node, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return nil, err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: "load"}, WriteDelay: batch}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(e centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			if e.Channel == secret {
				done(centrifuge.SubscribeReply{}, centrifuge.ErrorPermissionDenied)
				return
			}
			done(centrifuge.SubscribeReply{Options: centrifuge.SubscribeOptions{EnableRecovery: true}}, nil)
		})
		client.OnPublish(func(_ centrifuge.PublishEvent, done centrifuge.PublishCallback) {
			done(centrifuge.PublishReply{}, nil)
		})
	})
	return node, node.Run()
}

// handler serves the WebSocket endpoint and the API. ping is the interval of the protocol's heartbeats; 0 is the library's 25 s.
func handler(node *centrifuge.Node, ping time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		MessageSizeLimit: maxMessage,
		PingPongConfig:   centrifuge.PingPongConfig{PingInterval: ping, PongTimeout: ping / 2},
	}))
	mux.HandleFunc("POST /api/publish", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(publish(node, http.MaxBytesReader(w, r.Body, maxBody)))
	})
	return mux
}

// publish answers a request as Centrifugo does: errors come with the status 200.
func publish(node *centrifuge.Node, body io.Reader) []byte {
	var request struct {
		Channel string          `json:"channel"`
		Data    json.RawMessage `json:"data"`
	}
	err := json.NewDecoder(body).Decode(&request)
	if err != nil || request.Channel == "" || request.Data == nil {
		return []byte(`{"error":{"code":107,"message":"bad request"}}`)
	}
	if _, err := node.Publish(request.Channel, request.Data, kept); err != nil {
		return []byte(`{"error":{"code":100,"message":"internal server error"}}`)
	}
	return []byte(`{"result":{}}`)
}
