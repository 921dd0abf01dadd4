package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/ticket"
)

// served is what serve would work with.
func served(t *testing.T, env map[string]string, args ...string) *serving {
	t.Helper()
	s, status := readServing(&environment{io.Discard, os.Stderr, func(n string) (string, bool) { v, ok := env[n]; return v, ok }}, args)
	if s == nil {
		t.Fatal(status)
	}
	s.judge()
	return s
}

func TestTicketKeys(t *testing.T) {
	a, b := ticket.NewKey(), ticket.NewKey()
	keys := filepath.Join(t.TempDir(), "tickets")
	put(t, keys, []byte("# newest first\n"+a.String()+"\n"+b.String()+"\n"))
	for _, s := range []*serving{
		served(t, nil, "--ticket-keys", keys), served(t, map[string]string{"WSEDGE_TICKET_KEYS": keys}),
		served(t, nil, "--config", file(t, "tickets:\n  keys_file: "+keys)), served(t, nil, "--config", file(t, `tickets: {keys: ["`+a.String()+`", "`+b.String()+`"]}`)),
	} {
		if got := s.cfg.Tickets; s.problem != nil || got.Off || len(got.Keys) != 2 || got.Keys[0] != a || got.Keys[1] != b {
			t.Errorf("%d keys, %v", len(got.Keys), s.problem)
		}
	}
	if s := served(t, nil); s.cfg.Tickets.Off || s.cfg.Tickets.Keys != nil || s.problem != nil {
		t.Errorf("by default %+v, %v", s.cfg.Tickets, s.problem)
	}
	if s := served(t, nil, "--config", file(t, "tickets: {enabled: false}")); !s.cfg.Tickets.Off {
		t.Error("they can't be turned off")
	}
}

func TestWrongTicketKeys(t *testing.T) {
	key := ticket.NewKey().String()
	keys := filepath.Join(t.TempDir(), "tickets")
	put(t, keys, []byte(key+"\n"+key[1:]+"\n"))
	for _, row := range []struct{ text, want string }{
		{"tickets:\n  keys_file: " + keys, "F:2:3: tickets.keys_file: --ticket-keys: " + keys + ": line 2: want 32 bytes"},
		{"tickets:\n  keys_file: " + keys + ".none", "F:2:3: tickets.keys_file: --ticket-keys: " + keys + ".none: open " + keys + ".none: no such file"},
		{"tickets:\n  keys: [" + key[1:] + "]", "F:2:3: tickets.keys: ticket keys: line 1: want 32 bytes"},
		{"tickets:\n  keys: [" + key + "]\n  keys_file: " + keys, "F:3:3: tickets.keys_file: --ticket-keys: there are keys in the configuration as well"},
	} {
		name := file(t, row.text)
		for _, command := range []string{"check", "serve"} {
			status, _, stderr := call(nil, command, "--config", name)
			if want := strings.ReplaceAll(row.want, "F:", name+":"); status != exitFailure || !strings.Contains(stderr, want) {
				t.Errorf("%s: %s does not have %s", command, stderr, want)
			}
			if strings.Contains(stderr, key[1:]) {
				t.Errorf("%s: a key is quoted", stderr)
			}
		}
	}
}

// TestFreshTicketKey: init writes a key that serve takes, and another one each time.
func TestFreshTicketKey(t *testing.T) {
	var keys []ticket.Key
	for range 2 {
		name := filepath.Join(t.TempDir(), "w.yaml")
		if status, _, stderr := call(nil, "init", "--config", name); status != exitOK {
			t.Fatal(stderr)
		}
		keys = append(keys, served(t, nil, "--config", name).cfg.Tickets.Keys...)
	}
	if len(keys) != 2 || keys[0] == keys[1] {
		t.Errorf("%d keys", len(keys))
	}
}
