package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/client"
)

const (
	// tokenVariable has a client's token.
	tokenVariable = "WSEDGE_TOKEN"
	// tailTokenAge is how long a token lives that tail has made; it makes another in time.
	tailTokenAge = time.Hour
	// maxGrants is how many a token may have.
	maxGrants = 64
)

// tailCall is the command tail.
type tailCall struct {
	*apiFlags
	since     *client.Since
	count     int
	tokenFile string
	user      string
}

func addTail(flags *flag.FlagSet) *tailCall {
	t := &tailCall{apiFlags: addAPI(flags, auth.ScopeRead)}
	flags.Func("since", "print first what the history has behind this `offset`, or all of it: all", func(s string) error {
		if s == "all" {
			t.since = &client.Since{All: true}
			return nil
		}
		offset, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return errors.New("want an offset, or all")
		}
		t.since = &client.Since{Offset: offset}
		return nil
	})
	flags.IntVar(&t.count, "count", 0, "end after `number` publications (default: never)")
	flags.StringVar(&t.tokenFile, "token-file", "", "present the token in `file`, which is read again for each connection (default: the one in "+tokenVariable+", or one made with the secret of --config)")
	flags.StringVar(&t.user, "user", "", "`name` of the user of a token that is made with --config (default: none)")
	return t
}

// tail is the command tail.
func tail(e *environment, args []string) int {
	flags := newArguments(e, "tail", "CHANNEL…",
		"tail subscribes to channels and prints what is published, one publication a line, until it is interrupted. When the connection is lost it comes back, and goes on where it was; what can't be had any more is told on the standard error.",
		"wsedge tail news 'chat:*'\nwsedge tail news --since all --json | jq .data\nwsedge tail news --config wsedge.yaml --user ann")
	t := addTail(flags)
	channels, err := parseArguments(e, flags, args, 1, -1)
	if err != nil {
		return exitStatus(err)
	}
	if t.count < 0 {
		return e.fail(errors.New("--count: must not be negative"), exitUsage)
	}
	c, err := t.open(e)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	defer c.Close()
	token, err := t.tokens(e, channels)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	told := 0
	return t.outcome(e, c.Tail(ctx, client.Tail{
		Channels: channels, Since: t.since, Token: token,
		Message: func(m *client.Message) error {
			if err := t.tell(e, m); err != nil {
				return err
			}
			if told++; told == t.count {
				return client.ErrEnough
			}
			return nil
		},
		Notice: func(line string) { fmt.Fprintf(e.stderr, "wsedge: %s\n", harmless([]byte(line))) },
	}))
}

// tell prints a publication.
func (t *tailCall) tell(e *environment, m *client.Message) error {
	if !t.json {
		_, err := fmt.Fprintln(e.stdout, describeMessage(m))
		return err
	}
	encoder := json.NewEncoder(e.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(m)
}

// tokens says where tokens come from; nil: there are none.
func (t *tailCall) tokens(e *environment, channels []string) (func() (string, error), error) {
	if t.tokenFile != "" {
		read := func() (string, error) {
			token, err := readSecret(t.tokenFile)
			if err != nil {
				return "", fmt.Errorf("--token-file: %w", err)
			}
			return string(token), nil
		}
		_, err := read()
		return read, err
	}
	if token, ok := e.lookup(tokenVariable); ok && token != "" {
		return func() (string, error) { return token, nil }, nil
	}
	if t.config == "" || !t.configured.authenticates {
		if t.user != "" {
			return nil, errors.New("--user needs --config, with a section auth to make a token by")
		}
		return nil, nil
	}
	key := &keyFlags{config: t.config}
	signing, err := key.signing()
	switch {
	case err != nil && t.configured.anonymous && t.user == "":
		return nil, nil // clients need none
	case err != nil:
		return nil, fmt.Errorf("no token can be made, give --token-file or %s: %w", tokenVariable, err)
	case len(channels) > maxGrants:
		return nil, fmt.Errorf("a token can be made for %d channels at most; give --token-file or %s", maxGrants, tokenVariable)
	}
	return func() (string, error) { return signing.Sign(t.claims(&key.section, channels)) }, nil
}

// claims are those of a token that allows no more than the tail needs.
func (t *tailCall) claims(section *auth.Config, channels []string) map[string]any {
	now := time.Now()
	age := tailTokenAge
	if section.MaxTTL > 0 {
		age = min(age, section.MaxTTL)
	}
	claims := map[string]any{"iat": now.Unix(), "exp": now.Add(age).Unix()}
	for name, value := range map[string]string{"sub": t.user, "iss": section.Issuer, "aud": section.Audience} {
		if value != "" {
			claims[name] = value
		}
	}
	var grants []map[string]any
	for _, channel := range channels {
		grants = append(grants, map[string]any{"channel": channel, "allow": []string{"subscribe", "history"}})
	}
	claims["grants"] = grants
	return claims
}
