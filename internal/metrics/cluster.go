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
