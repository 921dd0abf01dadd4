package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// maxThreads is above all numbers of threads that Linux gives out.
const maxThreads = 1 << 22

// slackOf reads the timer slack of each of a process' threads, in the order in which they were made, the main one's first, in nanoseconds.
func slackOf(t *testing.T, pid int) (slack []string) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	// Their numbers rise from the process' own on, and go on from below when the highest has been given out.
	age := func(task os.DirEntry) int {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		return (tid - pid + maxThreads) % maxThreads
	}
	slices.SortFunc(tasks, func(a, b os.DirEntry) int { return age(a) - age(b) })
	for _, task := range tasks {
		text, err := os.ReadFile("/proc/" + task.Name() + "/timerslack_ns")
		if os.IsPermission(err) {
			t.Skip("the timer slack of another process is for CAP_SYS_NICE to see")
		}
		if err != nil {
			t.Fatal(err)
		}
		slack = append(slack, strings.TrimSpace(string(text)))
	}
	return slack
}

// The monitor, which is the runtime's second thread, sleeps longer, and most of the others do not. The process is the one that was
// started.
func TestMonitorIsCalm(t *testing.T) {
	for _, command := range []string{"serve", "echo"} {
		p := launch(t, command)
		slack := slackOf(t, p.cmd.Process.Pid)
		usual := 0
		for _, s := range slack {
			if s == "50000" {
				usual++
			}
		}
		if slack[0] != "50000" || slack[1] != "4000000" || usual < len(slack)/2 {
			t.Errorf("%s: slack of the threads: %v", command, slack)
		}
	}
}

func TestMonitorIsLeftAlone(t *testing.T) {
	t.Setenv(monitorVariable, "off")
	p := launch(t, "serve")
	for _, s := range slackOf(t, p.cmd.Process.Pid) {
		if s != "50000" {
			t.Errorf("slack %s", s)
		}
	}
}
