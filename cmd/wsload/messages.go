package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// addMessages is for how a server is spoken to, and about which channels.
func (o *options) addMessages(set *flag.FlagSet) {
	c := &o.config
	set.Func("protocol", "how the server is spoken to: `NAME` ("+strings.Join(loadtest.RecipeNames(), ", ")+
		") or FILE.yaml, see docs/WSLOAD.md (default: as the URL looks, wsedge or raw; echo for an echo)",
		func(name string) error {
			p, err := readProtocol(name)
			c.Protocol = p
			return err
		})
	if c.Scenario == loadtest.Echo {
		return
	}
	set.IntVar(&c.Topics, "topics", 1, "channels that the connections are divided among, NAME-0001 and so on")
	set.Func("topic-sizes", "`HOW` they are divided: uniform, or zipf:S, by Zipf's law with that exponent (default uniform)",
		func(text string) (err error) {
			c.TopicSizes, err = loadtest.ParseTopicSizes(text)
			return err
		})
	if c.Scenario != loadtest.Fanout {
		return
	}
	set.StringVar((*string)(&c.TopicRates), "topic-rates", string(loadtest.RatesUniform),
		"`HOW` publications are spread over the channels: uniform (in turns), or size (in proportion to the subscribers)")
	set.StringVar((*string)(&c.PublishBy), "publish-by", "",
		"`WAY` to publish where the protocol has both: http or websocket (default http, or as --publish-url says)")
}

// readProtocol takes the name of a recipe, or that of a file.
func readProtocol(name string) (*loadtest.Protocol, error) {
	if slices.Contains(loadtest.RecipeNames(), name) {
		p, err := loadtest.Recipe(name)
		return &p, err
	}
	if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
		return nil, fmt.Errorf("there are %s; or give a file whose name ends in .yaml", strings.Join(loadtest.RecipeNames(), ", "))
	}
	p := &loadtest.Protocol{}
	if err := readYAML(name, p); err != nil {
		return nil, err
	}
	if p.Name == "" {
		p.Name = filepath.Base(name)
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
