package floor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// fileReserve is what a process opens besides its connections.
const fileReserve = 256

type child struct {
	process *exec.Cmd
	input   io.Closer
	ready   *json.Decoder
	spec    *json.Encoder
}

// Start starts the floor's processes and returns when they listen. When ctx is done they are killed.
func Start(ctx context.Context, cfg Config) (*Floor, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	links, err := newMesh(cfg.Processes)
	defer links.close()
	if err != nil {
		return nil, err
	}
	f := &Floor{Threads: cfg.Threads}
	for i := range cfg.Processes {
		c, err := startChild(ctx, cfg.Command, links.of(i))
		if err == nil {
			f.children, f.PIDs = append(f.children, c), append(f.PIDs, c.process.Process.Pid)
			spec := processSpec{Threads: cfg.Threads, Port: f.Port, Raw: cfg.Raw, Links: cfg.Processes - 1}
			f.Port, err = c.listen(spec)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("starting the floor: %w", err), f.Close())
		}
	}
	return f, nil
}

// Close ends the processes and waits for them. An error is that of one that had failed before.
func (f *Floor) Close() error {
	var failures []error
	for _, c := range f.children {
		_ = c.input.Close()
	}
	for _, c := range f.children {
		if err := c.process.Wait(); err != nil {
			failures = append(failures, fmt.Errorf("floor: %w", err))
		}
	}
	return errors.Join(failures...)
}

func startChild(ctx context.Context, command []string, links []*os.File) (c child, err error) {
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	process.Stderr = os.Stderr
	process.ExtraFiles = links
	in, err := process.StdinPipe()
	if err != nil {
		return c, err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return c, err
	}
	if err := process.Start(); err != nil {
		return c, err
	}
	return child{process: process, input: in, ready: json.NewDecoder(out), spec: json.NewEncoder(in)}, nil
}

// listen tells the child what to do and waits until it listens.
func (c *child) listen(spec processSpec) (port int, err error) {
	if err := c.spec.Encode(spec); err != nil {
		return 0, err
	}
	var ready processReady
	if err := c.ready.Decode(&ready); err != nil {
		return 0, fmt.Errorf("it has not said where it listens: %w", err)
	}
	if ready.Error != "" {
		return 0, errors.New(ready.Error)
	}
	return ready.Port, nil
}

// mesh has a pair of sockets between each two processes: [i][j] is the end of i.
type mesh [][]*os.File

func newMesh(n int) (mesh, error) {
	m := make(mesh, n)
	for i := range m {
		m[i] = make([]*os.File, n)
	}
	for i := range n {
		for j := range i {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return m, os.NewSyscallError("socketpair", err)
			}
			m[i][j], m[j][i] = os.NewFile(uintptr(pair[0]), "link"), os.NewFile(uintptr(pair[1]), "link")
		}
	}
	return m, nil
}

// of lists the ends of one process.
func (m mesh) of(i int) (ends []*os.File) {
	for _, f := range m[i] {
		if f != nil {
			ends = append(ends, f)
		}
	}
	return ends
}

// close closes this process's copies.
func (m mesh) close() {
	for _, row := range m {
		for _, f := range row {
			if f != nil {
				_ = f.Close()
			}
		}
	}
}

// processesFor is how many processes the limit on open files asks for.
func processesFor(conns int) (int, error) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	if files.Cur <= 2*fileReserve {
		return 0, fmt.Errorf("the limit on open files is %d; raise it to at least 1024 (ulimit -n)", files.Cur)
	}
	// The kernel gives connections to listeners by a hash: a tenth of the room is for its being uneven.
	room := int(min(files.Cur, 1<<30)-fileReserve) * 9 / 10
	if conns <= int(min(files.Cur, 1<<30))-fileReserve {
		return 1, nil
	}
	return (conns + room - 1) / room, nil
}
