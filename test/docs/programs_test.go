package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var programs string // the directory of wsedge and wsload, built once

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wsedge-docs-")
	if err != nil {
		panic(err)
	}
	programs = dir
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "github.com/wsedge/wsedge/cmd/...")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// flags are those that the programs tell of: by program, by command.
type flags map[string]map[string]map[string]bool

var (
	aCommand = regexp.MustCompile(`(?m)(?:^  |")(wsedge|wsload) ([a-z]+)\b`)
	aFlag    = regexp.MustCompile(`(?m)^  --([a-z0-9-]+)`)
)

// told asks both programs for their commands, and these for their flags.
func told(t *testing.T) flags {
	t.Helper()
	all := make(flags)
	for _, program := range []string{"wsedge", "wsload"} {
		all[program] = make(map[string]map[string]bool)
		for _, m := range aCommand.FindAllStringSubmatch(helpOf(t, program), -1) {
			command := make(map[string]bool)
			for _, f := range aFlag.FindAllStringSubmatch(helpOf(t, program, m[2]), -1) {
				command[f[1]] = true
			}
			command["help"] = true
			all[program][m[2]] = command
		}
		if len(all[program]) < 5 {
			t.Fatalf("%s has only %d commands", program, len(all[program]))
		}
	}
	chat := make(map[string]bool) // wschat has no commands, and the flags of Go's own package
	for _, f := range regexp.MustCompile(`(?m)^  -([a-z0-9-]+)`).FindAllStringSubmatch(said(t, "wschat", "-help"), -1) {
		chat[f[1]] = true
	}
	all["wschat"] = map[string]map[string]bool{"": chat}
	return all
}

func helpOf(t *testing.T, program string, command ...string) string {
	t.Helper()
	return said(t, program, append([]string{"help"}, command...)...)
}

// said is what a program prints.
func said(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(programs, program), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// anywhere reports whether any command has the flag.
func (f flags) anywhere(name string) bool {
	for _, commands := range f {
		for _, command := range commands {
			if command[name] {
				return true
			}
		}
	}
	return false
}
