package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lock takes the directory for this process, and makes it if it is not there. Closing the file gives it back, as the end of the process does.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return f, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, fmt.Errorf("%s is in use by another process: each needs a directory of its own", dir)
	default:
		f.Close()
		return nil, os.NewSyscallError("flock "+name, err)
	}
}

// nameIn is the server's name, made the first time. A cluster knows its members, and what they have, by their names: so it must stay. An empty file is what is
// left of a first time that was interrupted.
func nameIn(dir string) (string, error) {
	file := filepath.Join(dir, "name")
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(text) == 0 {
		name := "wsedge-" + strings.ToLower(rand.Text()[:12])
		return name, writeWhole(file, name+"\n")
	}
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(string(text))
	if name == "" || strings.ContainsAny(name, " \t\r\n.*>") {
		return "", fmt.Errorf("%s holds no server name", file)
	}
	return name, nil
}

// writeWhole makes a file that has all of that, or is not there, whenever the process or the machine ends.
func writeWhole(file, text string) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
