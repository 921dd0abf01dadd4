package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestTailEndsWhenItIsInterrupted: with 0, after it has told what came, through a token of its own making.
func TestTailEndsWhenItIsInterrupted(t *testing.T) {
	name := file(t, locked)
	p := launch(t, "serve", "--config", name)
	tail := &program{t: t, cmd: exec.Command(os.Args[0], "tail", "chat:*", "user#ann", "--config", name, "--user", "ann")}
	tail.cmd.Env = append(os.Environ(), asProgram+"=1", "WSEDGE_SERVER="+p.url)
	tail.cmd.Stdout, tail.cmd.Stderr = tail, tail // its log is all that it says
	if err := tail.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tail.cmd.Process.Kill() })
	for _, channel := range []string{"chat:1", "user#ann"} {
		tail.eventually(channel, func() bool {
			p.publish("aaaaaaaaaaaaaaaaaaaa", channel) // until it is subscribed
			return strings.Contains(tail.logged(), channel+"  ")
		})
	}
	tail.signal(os.Interrupt)
	if status := tail.exit(); status != exitOK || strings.Contains(tail.logged(), "wsedge:") {
		t.Errorf("status %d, %s", status, tail.logged())
	}
}
