package main

import (
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/wsedge/wsedge/loadtest"
)

// tlsKeys are those of "tls".
func (r *scenarioReader) tlsKeys() yamlFields {
	t := &r.options.config.TLS
	file := func(into *[]byte) func(*yamlNode) {
		return r.value(func(name string) error { return intoBytes(into)(r.beside(name)) })
	}
	return yamlFields{
		{key: "insecure", says: "`true`: take any certificate", set: r.boolean(&t.Insecure)},
		{key: "server-name", says: "name that the certificate has to be for (the URL's host)", set: r.text(&t.ServerName)},
		{key: "version", says: "`1.2` or `1.3`, for that one alone", set: r.text(&t.Version)},
		{key: "resume", says: "`true`: take up sessions of earlier connections", set: r.boolean(&t.Resume)},
		{key: "standard", says: "`true`: leave records to Go's crypto/tls", set: r.boolean(&t.Standard)},
		{key: "ca", says: "file with the authorities' certificates", set: file(&t.CA)},
		{key: "cert", says: "file with a certificate of the client's", set: file(&t.Cert)},
		{key: "key", says: "file with its key", set: file(&t.Key)},
	}
}

// protocol takes a recipe's name, a file's, or what such a file has.
func (r *scenarioReader) protocol(n *yamlNode) {
	c := &r.options.config
	if n.Kind != yaml.MappingNode {
		r.value(func(name string) (err error) {
			if !slices.Contains(loadtest.RecipeNames(), name) && strings.Contains(name, ".") {
				name = r.beside(name)
			}
			c.Protocol, err = readProtocol(name)
			return err
		})(n)
		return
	}
	p := &loadtest.Protocol{Name: "of " + filepath.Base(c.Name)}
	for _, problem := range yamlComplaints(n.Load(p, yaml.WithKnownFields(), yaml.WithUniqueKeys())) {
		if problem.line == 0 {
			problem.line = n.Line
		}
		r.problems = append(r.problems, problem)
	}
	if err := p.Validate(); err != nil {
		r.complain(n, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	c.Protocol = p
}

// refusedKeys are flags of a run, or of other commands, that a file has no use for; it says so.
func (r *scenarioReader) refusedKeys() (fields yamlFields) {
	for _, refused := range []struct {
		why  string
		keys []string
	}{
		{"belongs to a phase", []string{"duration", "arrivals", "churn", "churn-random", "drop", "drop-by", "return-after", "return-rate", "return-jitter", "slow", "trickle"}},
		{"is a phase of its own, with measured: false", []string{"warmup"}},
		{"is a flag only: where results go is not the scenario's to say", []string{"json", "csv", "html", "prometheus", "plain", "quiet"}},
		{"stands below tls, without a tls- before it", []string{"insecure", "server-name", "tls-version", "resume", "tls-standard", "ca", "cert", "key"}},
		{"does not go with phases: the floor has none", []string{"floor", "floor-rounds", "floor-threads", "floor-processes"}},
		{"is for connections that are stalled all the time; a phase has a share of slow ones", []string{"stalled"}},
		{"is the opposite of subscribe: say subscribe: false", []string{"no-subscribe"}},
	} {
		for _, key := range refused.keys {
			fields = append(fields, yamlField{key: key, set: func(n *yamlNode) { r.complain(n, "%s %s", key, refused.why) }})
		}
	}
	return fields
}
