package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// freePorts are some that were free a moment ago. They are below those of which systems give one to whoever asks for any, which somebody else may
// get before the test uses them.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for len(ports) < n {
		port := fmt.Sprint(10_000 + rand.N(20_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, port)
	}
	return ports
}

// clusterLines are those of the README, in which the members have ports and directories of this test.
func clusterLines(t *testing.T) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), []string{}
	for i, port := range freePorts(t, 3) {
		replace = append(replace, fmt.Sprint(":700", i+1), ":"+port)
	}
	for _, line := range regexp.MustCompile(`(?m)^wsedge (serve .*--cluster-listen.*)$`).FindAllStringSubmatch(string(text), -1) {
		args := strings.Fields(strings.NewReplacer(replace...).Replace(line[1]))
		for i := 0; i < len(args); i++ {
			switch args[i] {
			case "--addr": // start has one
				args = append(args[:i], args[i+2:]...)
				i--
			case "--engine-dir":
				args[i+1] = filepath.Join(dir, args[i+1])
			}
		}
		lines = append(lines, args)
	}
	return lines
}

// Three lines are a cluster: what is published at one is kept by the others when it has been killed.
func TestThreeLinesOfTheREADME(t *testing.T) {
	lines := clusterLines(t)
	if len(lines) != 3 {
		t.Fatalf("the README has %d lines: %q", len(lines), lines)
	}
	first := start(t, append(lines[0], "--history-size", "10")...)
	second, third := launch(t, append(lines[1], "--history-size", "10")...), launch(t, append(lines[2], "--history-size", "10")...)
	first.eventually("the cluster takes a publication", func() bool {
		return strings.Contains(first.post("api/publish", `{"channel":"news","data":1,"idempotency_key":"one"}`), `"offset":`)
	})
	var history string
	first.eventually("there is a history", func() bool {
		history = first.post("api/history", `{"channel":"news","limit":10}`)
		return strings.Contains(history, `"data":1`)
	})
	first.signal(syscall.SIGKILL)
	first.exit()
	for _, p := range []*program{second, third} {
		p.eventually("the others go on, with what there was", func() bool { return p.post("api/history", `{"channel":"news","limit":10}`) == history })
	}
	for _, p := range []*program{second, third} {
		p.eventually("the others take publications", func() bool {
			return strings.Contains(p.post("api/publish", `{"channel":"news","data":2,"idempotency_key":"two"}`), `"offset":`)
		})
	}
	third.eventually("a second publication, once", func() bool {
		return strings.Count(third.post("api/history", `{"channel":"news","limit":10}`), `"data":`) == 2
	})
}
