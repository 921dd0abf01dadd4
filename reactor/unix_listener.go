package reactor

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unixListener is the file of a Unix socket, on which an acceptor accepts.
type unixListener struct {
	// Immutable after listenUnix.
	path string
	file fs.FileInfo // what was bound: nothing else is removed
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
func listenUnix(s *Server, path string) (*unixListener, net.Listener, error) {
	defer lockDir(filepath.Dir(path))()
	if err := removeStale(path); err != nil {
		return nil, nil, err
	}
	socket, err := bindUnix(path, s.cfg.SocketMode)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.Lstat(path)
	if err != nil {
		_ = socket.Close()
		return nil, nil, err
	}
	return &unixListener{path: path, file: file}, socket, nil
}

// remove removes the file, if it is still the one that was bound.
func (u *unixListener) remove() {
	if now, err := os.Lstat(u.path); err == nil && os.SameFile(now, u.file) {
		_ = os.Remove(u.path)
	}
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
