package floor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Run is the whole of a process of the floor: it reads what to do from in, writes to out where it listens, and serves until in
// ends or ctx is done. Config.Command has to come to this.
func Run(ctx context.Context, in io.Reader, out io.Writer) error {
	var spec processSpec
	if err := json.NewDecoder(in).Decode(&spec); err != nil {
		return fmt.Errorf("floor: no specification: %w", err)
	}
	p, err := newProcess(spec)
	if err != nil {
		return errors.Join(err, json.NewEncoder(out).Encode(processReady{Error: err.Error()}))
	}
	// None to spare: each time the runtime's monitor has a thread yield, which is every 10 ms, an idle processor would be woken
	// to look for work. What else there is to do, at the end mostly, is done then.
	runtime.GOMAXPROCS(len(p.threads))
	ended := make(chan error, len(p.threads))
	for _, t := range p.threads {
		go func() { ended <- t.run() }()
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, in) // whatever ends it, nobody needs us any more
	}()
	port, err := p.threads[0].port()
	if err == nil {
		err = json.NewEncoder(out).Encode(processReady{Port: port})
	}
	running := len(p.threads)
	if err == nil {
		select {
		case <-ctx.Done():
		case <-gone:
		case err = <-ended:
			running--
		}
	}
	for _, t := range p.threads {
		t.post(nil, false)
	}
	for range running {
		err = errors.Join(err, <-ended)
	}
	return err
}

// newProcess opens everything. The threads are not yet running.
func newProcess(spec processSpec) (*process, error) {
	if spec.Threads < 1 || spec.Threads > maxThreads || spec.Links < 0 || spec.Links > maxProcesses {
		return nil, fmt.Errorf("floor: %d threads and %d links", spec.Threads, spec.Links)
	}
	p := &process{raw: spec.Raw}
	port := spec.Port
	for range spec.Threads {
		t, err := newThread(p, port)
		if err == nil {
			p.threads = append(p.threads, t)
			port, err = t.port() // the first one's choice holds for all
		}
		if err != nil {
			p.close()
			return nil, fmt.Errorf("floor: %w", err)
		}
	}
	for i := range spec.Links {
		fd := 3 + i
		if err := unix.SetNonblock(fd, true); err != nil {
			p.close()
			return nil, fmt.Errorf("floor: link %d: %w", i, os.NewSyscallError("fcntl", err))
		}
		link := p.threads[0].adopt(fd, kindLink)
		if link == nil {
			p.close()
			return nil, fmt.Errorf("floor: link %d cannot be watched", i)
		}
		p.threads[0].links = append(p.threads[0].links, link)
	}
	return p, nil
}

// close is for threads that have never run.
func (p *process) close() {
	for _, t := range p.threads {
		t.close()
	}
}
