package loadtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// agentVariable makes the test binary an agent that listens at the address in it.
const agentVariable = "LOADTEST_TEST_AGENT"

// runTestAgent waits for a line on standard input, then writes its address, and ends with its input.
func runTestAgent(address string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return 1
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	if err := ServeAgent(ctx, listener, AgentConfig{Token: []byte(agentToken), WorkerCommand: testWorkerCommand()}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// agentProcess is an agent in a process of its own.
type agentProcess struct {
	*exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string
}

// startAgentProcess starts one, behind wrapper where there is one. It does not listen before listen is called.
func startAgentProcess(t *testing.T, address string, attr *syscall.SysProcAttr, wrapper ...string) *agentProcess {
	t.Helper()
	command := append(wrapper, os.Args[0])
	a := &agentProcess{Cmd: exec.Command(command[0], command[1:]...)}
	a.Env = append(os.Environ(), agentVariable+"="+address)
	a.Stderr, a.SysProcAttr = os.Stderr, attr
	in, err := a.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := a.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	a.in, a.out = in, bufio.NewReader(out)
	if err := a.Start(); err != nil {
		t.Skipf("no such process here: %v", err)
	}
	t.Cleanup(func() {
		_ = a.in.Close()
		_ = a.Wait()
	})
	return a
}

func (a *agentProcess) listen(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(a.in, "\n"); err != nil {
		t.Fatal(err)
	}
	line, err := a.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	a.address = strings.TrimSpace(line)
}

// TestAgentProcessThatFails has one killed, stopped, or one of its workers stopped, in the midst of a run.
func TestAgentProcessThatFails(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		harm    func(agent int)
		silence time.Duration
		want    string
	}{
		"killed":  {func(agent int) { _ = unix.Kill(agent, unix.SIGKILL) }, 0, "connection"},
		"stopped": {func(agent int) { _ = unix.Kill(agent, unix.SIGSTOP) }, time.Second, "has said nothing for"},
		"a worker of it stopped": {func(agent int) {
			for _, child := range childrenOf(agent) {
				_ = unix.Kill(child, unix.SIGSTOP)
			}
		}, 1500 * time.Millisecond, "worker 0 has said nothing for"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAgentProcess(t, "127.0.0.1:0", nil)
			a.listen(t)
			defer func() {
				_ = unix.Kill(a.Process.Pid, unix.SIGCONT)
				for _, child := range childrenOf(a.Process.Pid) {
					_ = unix.Kill(child, unix.SIGCONT)
				}
			}()
			s := &pushServer{publish: func(nth int) int {
				if nth == 5 {
					c.harm(a.Process.Pid)
				}
				return http.StatusOK
			}}
			s.start(t)
			cfg := agentFanout(s.url("/ws"), Agent{Address: a.address})
			// What harms nobody ends as well.
			cfg.Duration, cfg.silence = time.Minute, c.silence
			report, err := Run(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), "agent "+a.address+": ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if report != nil {
				t.Error("half a report")
			}
		})
	}
}

// childrenOf lists a process's children, by their own account: /proc/PID/task/TID/children may miss some while threads end.
func childrenOf(pid int) (children []int) {
	all, _ := os.ReadDir("/proc")
	for _, entry := range all {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			children = append(children, child)
		}
	}
	return children
}

// TestAgentInAnotherTime has an agent whose CLOCK_MONOTONIC is 23 days ahead.
func TestAgentInAnotherTime(t *testing.T) {
	t.Parallel()
	const ahead = 2_000_000
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("there is no unshare here to make a time namespace with")
	}
	arguments := []string{unshare, "--time", "--monotonic", strconv.Itoa(ahead), "--boottime", strconv.Itoa(ahead), "--fork", "--kill-child"}
	if out, err := exec.Command(arguments[0], append(arguments[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no time namespaces here: %v: %s", err, out)
	}
	a := startAgentProcess(t, "127.0.0.1:0", nil, arguments...)
	a.listen(t)
	s := &pushServer{}
	s.start(t)
	cfg := agentFanout(s.url("/ws"), Agent{Address: a.address})
	cfg.WithLocal, cfg.Duration = true, 500*time.Millisecond
	r := mustRun(t, cfg)
	clock := r.Agents[0].Clock
	if off := math.Abs(clock.OffsetSecs - ahead); off*1e6 > clock.Uncertainty+1 {
		t.Errorf("the offset is off by %v s, where %v µs are admitted", off, clock.Uncertainty)
	}
	if !r.Verdict.OK || r.Ledger.Received != 4000 || r.Latency.Count != 4000 || r.Completion.Count != 100 || len(r.Seconds) == 0 {
		t.Errorf("%+v, %+v, %+v", r.Verdict, r.Latency, r.Completion)
	}
	// A day is 86,400 s: had the clocks been mixed up, latencies would be 0 or 60 s.
	if p50 := r.Agents[0].Latency.P50; p50 <= 0 || p50 > 30e6 {
		t.Errorf("p50 of the agent is %d µs, of all %d µs", p50, r.Latency.P50)
	}
}

// TestAgentsOnOtherMachines has two agents in network namespaces of their own, each behind a pair of virtual interfaces; they
// reach the server and the coordinator by these only.
func TestAgentsOnOtherMachines(t *testing.T) {
	t.Parallel()
	ip, err := exec.LookPath("ip")
	nsenter, nsenterErr := exec.LookPath("nsenter")
	if err != nil || nsenterErr != nil || os.Getuid() != 0 {
		t.Skip("it takes root, ip and nsenter to make network namespaces")
	}
	do := func(command ...string) {
		t.Helper()
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%v: %v: %s", command, err, out)
		}
	}
	var agents []Agent
	var server string
	for i := range 2 {
		a := startAgentProcess(t, "0.0.0.0:0", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET})
		pid := strconv.Itoa(a.Process.Pid)
		// Of 198.18.0.0/15 (RFC 2544), by the process, so that test runs beside this one have others.
		net4 := fmt.Sprintf("198.18.%d.%d", a.Process.Pid>>6&255, a.Process.Pid<<2&255)
		at := net4[:strings.LastIndexByte(net4, '.')+1]
		base := a.Process.Pid << 2 & 255
		here, there := at+strconv.Itoa(base+1), at+strconv.Itoa(base+2)
		name := "wsl" + pid
		do(ip, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", pid)
		t.Cleanup(func() { _ = exec.Command(ip, "link", "del", name).Run() })
		do(ip, "addr", "add", here+"/30", "dev", name)
		do(ip, "link", "set", name, "up")
		inside := []string{nsenter, "-t", pid, "-n", ip}
		do(append(inside, "addr", "add", there+"/30", "dev", "eth0")...)
		do(append(inside, "link", "set", "eth0", "up")...)
		do(append(inside, "route", "add", "default", "via", here)...)
		a.listen(t)
		_, port, err := net.SplitHostPort(a.address)
		if err != nil {
			t.Fatal(err)
		}
		agents = append(agents, Agent{Address: net.JoinHostPort(there, port)})
		if i == 0 {
			server = here
		}
	}
	s := &pushServer{address: server + ":0"}
	s.start(t)
	cfg := agentFanout(s.url("/ws"), agents...)
	r := mustRun(t, cfg)
	if !r.Verdict.OK || r.Ledger.Received != 800 || r.Agents[0].Established != 20 || r.Agents[1].Established != 20 {
		t.Errorf("%+v, %+v", r.Verdict, r.Connections)
	}
	// A loopback target would be the agents' own machines.
	cfg.URL = "ws://127.0.0.1:1/ws"
	if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "the agent's own machine") {
		t.Errorf("got %v", err)
	}
}
