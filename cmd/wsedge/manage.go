package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/client"
)

// target are the flags that say who is meant: exactly one of them.
type target struct{ client, user, token string }

func (t *target) add(flags *flag.FlagSet, withClient, withToken bool) {
	if withClient {
		flags.StringVar(&t.client, "client", "", "the client with this `id`, which its welcome and presence tell")
	}
	flags.StringVar(&t.user, "user", "", "all clients of the user `name`")
	if withToken {
		flags.StringVar(&t.token, "token-id", "", "whoever came by the token with this `id` (jti), see wsedge token explain")
	}
}

// params are the target's; an error where it is not exactly one.
func (t *target) params(flags *flag.FlagSet) (*client.Params, error) {
	given := 0
	for _, name := range []string{t.client, t.user, t.token} {
		if name != "" {
			given++
		}
	}
	if given == 1 {
		return new(client.Params).String("client", t.client).String("user", t.user).String("token", t.token), nil
	}
	text := ""
	for _, name := range []string{"client", "user", "token-id"} {
		if flags.Lookup(name) != nil {
			text += ", --" + name
		}
	}
	return nil, errors.New("want exactly one of " + text[2:])
}

// disconnect is the command disconnect.
func disconnect(e *environment, args []string) int {
	return end(e, args, "disconnect", true, "disconnect closes the connections of a client, of a user, or of a token. They may come back; revoke keeps them out.",
		"wsedge disconnect --user ann")
}

// revoke is the command revoke.
func revoke(e *environment, args []string) int {
	return end(e, args, "revoke", false, "revoke refuses all tokens of a user that were issued up to now, or one token, and closes the connections that came by them. It is remembered until the server restarts.",
		"wsedge revoke --token-id 2GX4WNPLUV5GVZ5QJ6NKAXKQ5D --config wsedge.yaml")
}

// end is what disconnect and revoke have in common.
func end(e *environment, args []string, method string, withClient bool, about, example string) int {
	flags := newFlags(e, method, about, example)
	api := addAPI(flags, auth.ScopeManage)
	var t target
	t.add(flags, withClient, true)
	if err := parse(e, flags, args); err != nil {
		return exitStatus(err)
	}
	params, err := t.params(flags)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	return api.call(e, method, params, func(answer []byte) error {
		var r struct{ Disconnected int }
		if err := json.Unmarshal(answer, &r); err != nil {
			return err
		}
		_, err := fmt.Fprintf(e.stdout, "disconnected %d\n", r.Disconnected)
		return err
	})
}

// subscribe is the command subscribe.
func subscribe(e *environment, args []string) int {
	return change(e, args, "subscribe", "subscribe subscribes a client, or all connections of a user, to channels, whatever its permissions. It says how many connections that is; each hears of it a moment later.",
		"wsedge subscribe --user ann news chat:1")
}

// unsubscribe is the command unsubscribe.
func unsubscribe(e *environment, args []string) int {
	return change(e, args, "unsubscribe", "unsubscribe ends the subscriptions of a client, or of all connections of a user, to channels. It says how many connections that is; each hears of it a moment later.",
		"wsedge unsubscribe --client 3zy3frva-0 news")
}

// change is what subscribe and unsubscribe have in common.
func change(e *environment, args []string, method, about, example string) int {
	flags := newArguments(e, method, "CHANNEL…", about, example)
	api := addAPI(flags, auth.ScopeManage)
	var t target
	t.add(flags, true, false)
	names, err := parseArguments(e, flags, args, 1, -1)
	if err != nil {
		return exitStatus(err)
	}
	params, err := t.params(flags)
	if err != nil {
		return e.fail(err, exitUsage)
	}
	return api.call(e, method, params.List("channels", names), func(answer []byte) error {
		var r struct{ Clients int }
		if err := json.Unmarshal(answer, &r); err != nil {
			return err
		}
		_, err := fmt.Fprintf(e.stdout, "clients %d\n", r.Clients)
		return err
	})
}
