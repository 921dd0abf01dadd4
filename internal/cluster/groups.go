package cluster

import (
	"encoding/base64"
	"encoding/json"
)

// Follow has this node hear what is told to a group, which is any name: what nobody follows goes nowhere. It may wait for the wire's lock.
func (c *Cluster) Follow(group string) error {
	if c == nil {
		return nil
	}
	return c.config.Wire.Hear(groupSubject(group), c.take)
}

// Unfollow ends that. It may wait for the wire's lock.
func (c *Cluster) Unfollow(group string) {
	if c != nil {
		c.config.Wire.Unhear(groupSubject(group))
	}
}

// TellGroup tells all other nodes that follow a group something; they hear it by the handler of the topic. It never waits. That it was lost is not noticed.
func (c *Cluster) TellGroup(group, topic string, value any) error {
	if c == nil {
		return nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.say(groupSubject(group), &message{Kind: tell, Topic: topic, Body: body})
}

// Has tells whether another node is known to live.
func (c *Cluster) Has(node string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peers[node] != nil
}

// groupSubject has no character that means something in a subject.
func groupSubject(group string) string {
	return some + base64.RawURLEncoding.EncodeToString([]byte(group))
}
