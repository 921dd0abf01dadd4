package edge

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestConfigProblemsComeTogether(t *testing.T) {
	_, err := Listen(Config{Addr: "nonsense", MaxConns: -1, MaxHeadBytes: 100, PongTimeout: -1})
	if !errors.Is(err, ErrConfig) {
		t.Fatal(err)
	}
	for _, want := range []string{"nonsense", "connections", "head bytes", "pong timeout"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func TestPublicAddressesNeedAWord(t *testing.T) {
	for addr, loopback := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, "": true, "127.1.2.3:80": true, "unix:/run/edge.sock": true,
		":0": false, "0.0.0.0:0": false, "[::]:0": false, "192.168.0.1:80": false, "edge.example:80": false,
	} {
		_, err := Config{Addr: addr}.withDefaults()
		if (err == nil) != loopback {
			t.Errorf("%q: %v", addr, err)
		}
		if _, err := (Config{Addr: addr, InsecurePublic: true}).withDefaults(); err != nil {
			t.Errorf("%q with the word: %v", addr, err)
		}
	}
}

func TestPingSeconds(t *testing.T) {
	for interval, want := range map[time.Duration]int{-1: 0, time.Millisecond: 1, 25 * time.Second: 25, 1500 * time.Millisecond: 2} {
		if got := (&Config{PingInterval: interval}).pingSeconds(); got != want {
			t.Errorf("%v: %d", interval, got)
		}
	}
}
