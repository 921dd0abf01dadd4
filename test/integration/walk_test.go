package integration

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// terminal is a shell, to which commands are typed and whose output, errors included, is read line by line.
type terminal struct {
	t        *testing.T
	name     string
	commands io.Writer
	lines    chan string
}

// openTerminal starts a shell in the directory, with the commands of the walk in its PATH.
func openTerminal(t *testing.T, name, dir string) *terminal {
	t.Helper()
	programs, err := filepath.Abs("node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("bash", "/dev/fd/3") // not its standard input, which a command that runs would take
	shell.Dir = dir
	shell.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+programs+":"+os.Getenv("PATH"))
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := shell.StdinPipe(); err != nil { // nothing ever comes from it, and no end
		t.Fatal(err)
	}
	script, commands, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.ExtraFiles, shell.Stdout, shell.Stderr = []*os.File{script}, in, in
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	script.Close()
	in.Close()
	term := &terminal{t: t, name: name, commands: commands, lines: make(chan string, 1000)}
	go func() {
		defer close(term.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			term.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) // with whatever it has started
		_ = shell.Wait()
		for range term.lines { // until the last of them has closed its end
		}
		out.Close()
		commands.Close()
	})
	return term
}

// shown is what a line of the document stands for: … is anything.
func shown(line string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$")
}

// expect wants the line next; behind an elision it may come later.
func (term *terminal) expect(line string, elided bool) {
	term.t.Helper()
	want, deadline := shown(line), time.After(patience)
	for {
		select {
		case got, ok := <-term.lines:
			switch {
			case want.MatchString(got):
				return
			case !ok || !elided && !strings.Contains(got, " level="): // the log has other lines, too
				term.t.Fatalf("%s%q, want %q", term.name, got, line)
			}
		case <-deadline:
			term.t.Fatalf("%snever came %q", term.name, line)
		}
	}
}

// walk is the commands and answers of the document, line by line: those of the blocks behind the heading, in which a terminal is shown.
func walk(t *testing.T, file, heading string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text2, found := strings.Cut(string(text), heading)
	if !found {
		t.Fatalf("%s has no %q", file, heading)
	}
	text2, _, _ = strings.Cut(text2, "\n## ")
	for i, block := range strings.Split(text2, "```\n") {
		if i%2 == 1 && strings.HasPrefix(block, "$ ") {
			lines = append(lines, strings.Split(strings.TrimSuffix(block, "\n"), "\n")...)
		}
	}
	return lines
}

// freePorts are two ports of loopback that nobody listens on. They are below those of which systems give one to whoever asks for any, which
// somebody else may get before the test uses them.
func freePorts(t *testing.T) (a, b string) {
	t.Helper()
	var ports []string
	for len(ports) < 2 {
		port := fmt.Sprint(10_000 + rand.N(20_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, port)
	}
	return ports[0], ports[1]
}

// The walk of the document is what happens: every command is typed into a shell as it stands there, and every answer comes. Only the ports are
// others, since those may be in use.
func TestWalkOfTheDocument(t *testing.T) {
	needs(t, "bash", "curl", "node", "sed")
	public, admin := freePorts(t)
	t.Setenv("WSEDGE_ADDR", "127.0.0.1:"+public)
	t.Setenv("WSEDGE_ADMIN_ADDR", "127.0.0.1:"+admin)
	ports := strings.NewReplacer(":8080", ":"+public, ":8081", ":"+admin)

	dir, elided, commands := t.TempDir(), map[*terminal]bool{}, 0
	operator, client := openTerminal(t, "", dir), openTerminal(t, "ann| ", dir)
	for _, line := range walk(t, "../../docs/OPERATING.md", "A walk from nothing") {
		term := operator
		if rest, ok := strings.CutPrefix(line, client.name); ok {
			term, line = client, rest
		}
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			if _, err := io.WriteString(term.commands, ports.Replace(command)+"\n"); err != nil {
				t.Fatal(err)
			}
			commands++
			continue
		}
		if line == "…" {
			elided[term] = true
			continue
		}
		term.expect(ports.Replace(line), elided[term])
		elided[term] = false
	}
	if commands < 15 {
		t.Errorf("only %d commands", commands)
	}
}
