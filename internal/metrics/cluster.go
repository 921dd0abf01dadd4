package metrics

// AppendCluster appends how it goes with the other nodes: how many live, this one included, how often something that they told was lost, and how many did not answer a
// question.
func AppendCluster(dst []byte, nodes int, lost, unanswered int64) []byte {
	e := exposition{dst}
	e.one("wsedge_cluster_nodes", "gauge", "Nodes that share the engine, as far as this one knows, itself included.", int64(nodes))
	e.one("wsedge_cluster_lost_total", "counter", "Times that something another node told was lost.", lost)
	e.one("wsedge_cluster_unanswered_total", "counter", "Nodes that did not answer a question of this one in time.", unanswered)
	return e.text
}

// AppendPresence appends what other nodes are told of the members of this one's channels: of how many they are, and how often that was.
func AppendPresence(dst []byte, channels int, reports int64) []byte {
	e := exposition{dst}
	e.one("wsedge_presence_channels", "gauge", "Channels with members here and notices, of which other nodes are told.", int64(channels))
	e.one("wsedge_presence_reports_total", "counter", "Reports to other nodes of who has come to such a channel, or left it.", reports)
	return e.text
}
