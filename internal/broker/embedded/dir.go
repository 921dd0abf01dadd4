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

// nameIn is the server's name, made the first time. A cluster knows its members, and what they have, by their names: so it must stay.
func nameIn(dir string) (string, error) {
	file := filepath.Join(dir, "name")
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		name := "wsedge-" + strings.ToLower(rand.Text()[:12])
		return name, os.WriteFile(file, []byte(name+"\n"), 0o600)
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
