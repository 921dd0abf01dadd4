package main

import (
	"path/filepath"
	"slices"
	"strconv"

	"github.com/wsedge/wsedge/loadtest"
)

// scenarioReader reads a scenario file. Its keys are the tables in docs/WSLOAD.md, which a test compares.
type scenarioReader struct {
	yamlReader
	dir     string // of the file: names of others are relative to it
	options *options
}

// runKeys are those of the whole run.
func (r *scenarioReader) runKeys() yamlFields {
	return slices.Concat(r.loadKeys(), r.connectionKeys(), r.messageKeys(), r.serverKeys(), r.refusedKeys())
}

// loadKeys say what is done.
func (r *scenarioReader) loadKeys() yamlFields {
	c := &r.options.config
	return yamlFields{
		{key: "url", says: "the server, `ws://` or `wss://`", set: r.text(&c.URL), required: true},
		{key: "name", says: "of the scenario, for people (the file's)", set: r.text(&c.Name)},
		{key: "conns", says: "connections before the first phase", set: r.integer(&c.Conns)},
		{key: "rate", says: "publications per second, until a phase says otherwise", set: r.rate(&c.Rate)},
		{key: "payload", says: "bytes of a publication", set: r.integer(&c.Payload)},
		{key: "outstanding", says: "publications back to back at each scheduled time", set: r.integer(&c.Outstanding)},
		{key: "publishers", says: "connections that publish", set: r.integer(&c.Publishers)},
		{key: "seed", says: "of all that is random", set: r.value(func(s string) (err error) { c.Seed, err = strconv.ParseUint(s, 10, 64); return err })},
		{key: "settle", says: "pause between the last connection and the first message", set: r.duration(&c.Settle)},
		{key: "drain", says: "how long to wait for the last deliveries", set: r.duration(&c.Drain)},
		{key: "phases", says: "the list of phases", set: r.each(r.phase), required: true},
		{key: "expect", says: "list of conditions", set: r.each(r.value(func(s string) error {
			e, err := loadtest.ParseExpectation(s)
			c.Expect = append(c.Expect, e)
			return err
		}))},
		{key: "accept-invalid", says: "`true`: do not exit with 4 where the generator was the bottleneck", set: r.boolean(&r.options.acceptInvalid)},
	}
}

// connectionKeys say how connections are made, and from where.
func (r *scenarioReader) connectionKeys() yamlFields {
	c := &r.options.config
	return yamlFields{
		{key: "connect-rate", says: "connections opened per second, at first", set: r.rate(&c.ConnectRate)},
		{key: "max-in-flight", says: "setups at a time", set: r.integer(&c.MaxInFlight)},
		{key: "setup-timeout", says: "for each setup", set: r.duration(&c.SetupTimeout)},
		{key: "retry", says: "`false`: a setup that failed is not tried again", set: r.negated(&c.NoRetry)},
		{key: "recover", says: "`true`: connections that come back ask for what they have missed, see below", set: r.boolean(&c.Recover)},
		{key: "ticket", says: "`true`: they come back by the resume ticket that the server has given them, see below", set: r.boolean(&c.Ticket)},
		{key: "connect-token", says: "file with a token that connections connect with, by a message", set: r.value(intoToken(&c.Token))},
		{key: "backoff", says: "longest pause before the first further attempt", set: r.duration(&c.Backoff)},
		{key: "processes", says: "worker processes, on each machine", set: r.integer(&c.Processes)},
		{key: "threads", says: "loops of each", set: r.integer(&c.Threads)},
		{key: "source", says: "addresses to connect from, with commas between them", set: r.value(func(s string) (err error) { c.Sources, err = loadtest.ParseSources(s); return err })},
		{key: "also", says: "addresses of further nodes, with commas between them", set: r.value(func(s string) (err error) { c.Also, err = loadtest.ParseNodes(s); return err })},
		{key: "header", says: "list of lines, `Name: value`", set: r.each(r.value(func(s string) error { c.Header = append(c.Header, s); return nil }))},
		{key: "tls", says: "see below", set: func(n *yamlNode) { r.mapping(n, r.tlsKeys()) }},
		{key: "deflate", says: "`each` or `takeover`: offer permessage-deflate", set: r.value((*deflateFlag)(&c.Deflate).Set)},
		{key: "agents", says: "list of `HOST:PORT` or `HOST:PORT=WEIGHT`", set: r.each(r.value(func(s string) error {
			agents, err := loadtest.ParseAgents(s)
			c.Agents = append(c.Agents, agents...)
			return err
		}))},
		{key: "agent-token-file", says: "file with their token", set: r.value(func(s string) error { r.options.tokenFile = r.beside(s); return nil })},
		{key: "with-local", says: "`true`: connections on this machine, too", set: r.boolean(&c.WithLocal)},
	}
}

// messageKeys say how the server is spoken to.
func (r *scenarioReader) messageKeys() yamlFields {
	c := &r.options.config
	return yamlFields{
		{key: "protocol", says: "a name, a file, or right here what such a file has", set: r.protocol},
		{key: "channel", says: "or what the names of topics begin with", set: r.text(&c.Channel)},
		{key: "subscribe", says: "`false`: without subscriptions", set: r.negated(&c.NoSubscribe)},
		{key: "topics", says: "channels that the connections are divided among", set: r.integer(&c.Topics)},
		{key: "topic-sizes", says: "`uniform` or `zipf:S`", set: r.value(func(s string) (err error) { c.TopicSizes, err = loadtest.ParseTopicSizes(s); return err })},
		{key: "topic-rates", says: "`uniform` or `size`", set: r.text((*string)(&c.TopicRates))},
		{key: "publish-by", says: "`http` or `websocket`", set: r.text((*string)(&c.PublishBy))},
		{key: "publish-url", says: "where to publish", set: r.text(&c.PublishURL)},
	}
}

// serverKeys are for the server's side.
func (r *scenarioReader) serverKeys() yamlFields {
	c := &r.options.config
	return yamlFields{
		{key: "pid", says: "the server's process, or several: `17,18`", set: r.value(r.options.setPIDs)},
		{key: "metrics", says: "URL of its metrics", set: r.text(&c.MetricsURL)},
	}
}

// beside is the name of a file that a scenario file names.
func (r *scenarioReader) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}
