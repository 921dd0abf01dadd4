package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// launcher starts all processes from one thread, which lives as long as this process: the kernel kills them when the thread that started them ends (PR_SET_PDEATHSIG),
// and a thread can step into a network namespace for a moment without the others.
type launcher struct {
	jobs chan func()
	home *os.File // the namespace of this process
}

func newLauncher() (*launcher, error) {
	l := &launcher{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for job := range l.jobs {
			job()
		}
	}()
	var err error
	l.do(func() { l.home, err = os.Open("/proc/thread-self/ns/net") })
	return l, err
}

// do runs f on the thread.
func (l *launcher) do(f func()) {
	done := make(chan struct{})
	l.jobs <- func() {
		defer close(done)
		f()
	}
	<-done
}

// namespace makes a network namespace, which lives as long as the file is open or something runs in it.
func (l *launcher) namespace() (file *os.File, err error) {
	l.do(func() {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			err = os.NewSyscallError("unshare", err)
			return
		}
		file, err = os.Open("/proc/thread-self/ns/net")
		l.enter(l.home)
	})
	return file, err
}

// enter moves the thread. A thread in the wrong namespace would be of no use to anybody.
func (l *launcher) enter(namespace *os.File) {
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		panic(os.NewSyscallError("setns", err))
	}
}

// start starts a command in a namespace, nil for this process's. It dies with this process, and hears nothing of what is typed at the terminal.
func (l *launcher) start(namespace *os.File, cmd *exec.Cmd) (err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	l.do(func() {
		if namespace != nil {
			l.enter(namespace)
			defer l.enter(l.home)
		}
		err = cmd.Start()
	})
	return err
}

// ip runs lines of ip(8) in a namespace. Files are those that the command has from 3 on.
func (l *launcher) ip(namespace *os.File, lines []string, files ...*os.File) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin, cmd.ExtraFiles = strings.NewReader(strings.Join(lines, "\n")), files
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := l.start(namespace, cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("ip: %w: %s", err, out.String())
	}
	return nil
}
