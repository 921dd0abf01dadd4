package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// startPatience bounds what a start, and the end of a process, may take on a machine that has other things to do.
const startPatience = 60 * time.Second

// server is one real process on a machine of its own, which is started again and again.
type server struct {
	node
	machine *machine
	ledger  *ledger
	dir     string
	args    []string // the program first
	ready   string   // a URL that answers 200 when it can be used

	mu      sync.Mutex // guards what follows
	cmd     *exec.Cmd
	exited  chan struct{} // closed when cmd has ended
	meant   bool          // the end is wanted
	started int
}

// start starts the process.
func (s *server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, s.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started++
	fmt.Fprintf(log, "=== start %d at %s\n", s.started, time.Now().Format(time.RFC3339Nano))
	cmd := exec.Command(s.args[0], s.args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, s.dir
	if err := s.machine.network.launcher.start(s.machine.namespace, cmd); err != nil {
		return err
	}
	s.cmd, s.exited, s.meant = cmd, make(chan struct{}), false
	go s.watch(cmd, s.exited)
	return nil
}

// watch notes when a process ends that should not, or not so.
func (s *server) watch(cmd *exec.Cmd, exited chan struct{}) {
	err := cmd.Wait()
	s.mu.Lock()
	meant := s.meant
	s.mu.Unlock()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	killed := status.Signaled() && status.Signal() == syscall.SIGKILL
	if !meant || err != nil && !killed {
		s.ledger.violate(violation{Kind: badExit, Client: -1, Node: s.name, Expected: "to run, and to end well when told to", Seen: fmt.Sprint(cmd.ProcessState)})
	}
	close(exited)
}

// signal sends a signal to the process. ends says that it will end by that.
func (s *server) signal(signal syscall.Signal, ends bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meant = s.meant || ends
	return s.cmd.Process.Signal(signal)
}

// end has the process ended, and waits until it has.
func (s *server) end(signal syscall.Signal) error {
	if err := s.signal(signal, true); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	s.mu.Lock()
	exited := s.exited
	s.mu.Unlock()
	select {
	case <-exited:
		return nil
	case <-time.After(startPatience):
		return fmt.Errorf("%s does not end %v behind %v", s.name, startPatience, signal)
	}
}

// await waits until the process can be used.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ready, nil)
		if err != nil {
			return err
		}
		if response, err := client.Do(r); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s: %s does not answer", s.name, s.ready), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
