package loadtest

import "fmt"

// writeTopics is for runs of several topics.
func (r *Report) writeTopics(row rowFunc) {
	if r.Topics.Count < 2 {
		return
	}
	row("topics", "%d of %d to %d subscribers (%s), published to %s", r.Topics.Count, r.Topics.Smallest, r.Topics.Largest,
		r.Config.TopicSizes, r.Config.topicRates())
	for _, c := range r.TopicClasses {
		row(fmt.Sprintf("  of %d to %d", c.From, c.To), "%d topics, %d subscribers: %d deliveries, p50 %s  p99 %s  max %s", c.Topics, c.Subscribers, c.Delivered,
			micros(c.P50), micros(c.P99), micros(c.Max))
	}
}

func (c ConfigEcho) topicRates() string {
	if c.TopicRates == string(RatesBySize) {
		return "in proportion to size"
	}
	return "in turns"
}

// acknowledgement is what an acknowledged publication is called.
func (c ConfigEcho) acknowledgement() string {
	if c.AcknowledgedBy == string(AckNone) {
		return "written (this protocol acknowledges nothing)"
	}
	return "acknowledged"
}
