package metrics

import "github.com/wsedge/wsedge/internal/hub"

// Traffic is who is connected, what clients ask for, and what goes to them.
type Traffic struct {
	Clients       map[string]int64 // by dialect
	Subscriptions int64
	Commands      map[string]int64 // by verb
	Hub           hub.Traffic
}

// AppendTraffic appends it.
func AppendTraffic(dst []byte, t Traffic) []byte {
	e := exposition{dst}
	e.by("wsedge_clients", "gauge", "Clients connected, by dialect.", "dialect", t.Clients)
	e.one("wsedge_subscriptions", "gauge", "Subscriptions of all clients, those to wildcards included.", t.Subscriptions)
	e.by("wsedge_commands_total", "counter", "Commands of clients, by verb; invalid are those with a mistake in their form.", "verb", t.Commands)
	e.by("wsedge_publications_total", "counter", "Publications delivered on this node, with subscribers or without, by who published them: the API or a client.", "source",
		map[string]int64{"api": t.Hub.FromAPI, "client": t.Hub.FromClients})
	e.histogram("wsedge_fanout_duration_seconds",
		"How long publications took from the engine until every loop had given them to its subscribers' sockets or queues; of a sample, at most 100 a second.",
		t.Hub.Fanout.Bounds, t.Hub.Fanout.Counts, t.Hub.Fanout.Sum)
	return e.text
}
