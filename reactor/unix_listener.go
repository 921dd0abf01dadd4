package reactor

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unixListener accepts on a Unix socket and gives what it has accepted to the loops. They cannot share the socket as they share
// a port, and the engine's own way, one acceptor for all, takes descriptors until there are none: see
// docs/decisions/0006-unix-sockets.md.
type unixListener struct {
	// Immutable after listenUnix.
	srv    *Server
	path   string
	file   fs.FileInfo // what was bound: nothing else is removed
	socket net.Listener

	accepting sync.WaitGroup
	closed    chan struct{}
	once      sync.Once     // closes closed
	deserted  chan struct{} // closed when a loop has ended: it takes nothing over any more
	deserting sync.Once     // closes deserted
}

// checkUnixPath says what is wrong with the path of a Unix socket.
func checkUnixPath(path string) error {
	most := len(unix.RawSockaddrUnix{}.Path) - 1
	switch {
	case path == "":
		return errors.New("want unix: and a path")
	case path[0] == '@' || path[0] == 0:
		return errors.New("an abstract socket has no file, and so no mode that says who may connect; want a path")
	case len(path) > most:
		return fmt.Errorf("a path of %d bytes; the system takes %d", len(path), most)
	}
	return nil
}

// listenUnix binds the path. While it looks at what is there, no other server does.
func listenUnix(s *Server, path string) (*unixListener, error) {
	defer lockDir(filepath.Dir(path))()
	if err := removeStale(path); err != nil {
		return nil, err
	}
	socket, err := bindUnix(path, s.cfg.SocketMode)
	if err != nil {
		return nil, err
	}
	file, err := os.Lstat(path)
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	return &unixListener{srv: s, path: path, file: file, socket: socket,
		closed: make(chan struct{}), deserted: make(chan struct{})}, nil
}

// lockPatience is how long another server that is just starting in the same directory is waited for.
const lockPatience = 2 * time.Second

// lockDir keeps other servers from binding a path in dir until unlock. Whoever may read the directory could keep the lock, so
// there is none where it cannot be had: all that it is for is two servers that start in the same moment over a dead one's socket.
func lockDir(dir string) (unlock func()) {
	f, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	for end := time.Now().Add(lockPatience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			break
		}
	}
	return func() { _ = f.Close() } // gives the lock back
}

// removeStale removes the socket that a server has left behind which is no more. Anything else is an error.
func removeStale(path string) error {
	file, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case file.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file that is no socket")
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("a server is listening there: %w", syscall.EADDRINUSE)
	case errors.Is(err, syscall.EAGAIN): // its backlog is full
		return fmt.Errorf("a busy server is listening there: %w", syscall.EADDRINUSE)
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return fmt.Errorf("a socket is there already: %w", err)
}

// bindUnix listens on path. Nobody can connect before the file has its mode.
func bindUnix(path string, mode fs.FileMode) (net.Listener, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "unix:"+path)
	defer f.Close() // FileListener has its own duplicate
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	err = os.Chmod(path, mode)
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, unixBacklog))
	}
	var socket net.Listener
	if err == nil {
		socket, err = net.FileListener(f)
	}
	if err != nil {
		_ = os.Remove(path)
		return nil, err
	}
	return socket, nil
}

// unixBacklog is how many connections may wait to be accepted; the system may allow less. A client beyond it is told at once,
// by EAGAIN, or waits.
const unixBacklog = 4096

// serve begins to accept.
func (u *unixListener) serve() {
	for range u.acceptors() {
		u.accepting.Go(u.accept)
	}
}

// acceptors is how many connections are on their way to the loops at most. Each takes two descriptors there, which the reserve
// has: a quarter of it at most. Four for each loop keep the loops busy that are not in the middle of a long turn.
func (u *unixListener) acceptors() int {
	return max(1, min(4*u.srv.cfg.Loops, reserveFiles(openFileLimit())/8))
}

// The pauses after an accept that fails, which is for want of descriptors.
const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = time.Second
)

// accept accepts, one connection after the other: the next when the loop has this one, and has it counted against the cap.
func (u *unixListener) accept() {
	for pause := firstAcceptPause; ; {
		conn, err := u.socket.Accept()
		if err == nil {
			_, err = u.srv.fed.EnrollContext(conn, nil) // which closes conn: the loop has a duplicate
		}
		switch {
		case err == nil:
			pause = firstAcceptPause
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		u.srv.cfg.Logger.Warn("cannot accept", "error", err, "pause", pause.String())
		select {
		case <-u.closed:
			return
		case <-time.After(pause):
			pause = min(2*pause, maxAcceptPause)
		}
	}
}

// loopEnded tells that a loop has ended.
func (u *unixListener) loopEnded() { u.deserting.Do(func() { close(u.deserted) }) }

// close ends the listener, removes its file, and returns when all that was accepted has come to a loop, as long as all loops
// run.
func (u *unixListener) close() {
	u.once.Do(func() {
		close(u.closed)
		if now, err := os.Lstat(u.path); err == nil && os.SameFile(now, u.file) {
			_ = os.Remove(u.path)
		}
		_ = u.socket.Close()
		taken := make(chan struct{})
		go func() {
			u.accepting.Wait()
			close(taken)
		}()
		select {
		case <-taken:
		case <-u.deserted:
		}
	})
}
