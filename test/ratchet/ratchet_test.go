package ratchet

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// slack is by how much more than was written down a count may be: compilers differ a little in what they inline.
const slack = 1.05

// rows are what is counted. most is what was seen when it was last written down; a lower count is a reason to write it down
// anew.
var rows = []struct {
	name, workload string
	from, to       int // numbers of the two runs
	most           float64
}{
	{"delivery, one publication at a time", "deliver", 4_000, 44_000, 104},
	{"delivery, eight at a time", "joined", 16_000, 56_000, 22},
	{"echo of 128 bytes, the client's system calls included", "echo", 500, 2_500, 1_430},
	{"connection opened and subscribed, the client's part included", "open", 100, 500, 24_300},
}

func TestInstructions(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the counts are those of amd64")
	}
	if _, err := exec.LookPath("valgrind"); err != nil {
		if os.Getenv("WSEDGE_RATCHET") != "" {
			t.Fatal(err)
		}
		t.Skip("needs valgrind; make ratchet insists on it")
	}
	binary := filepath.Join(t.TempDir(), "workload")
	if out, err := exec.Command("go", "build", "-o", binary, "./workload").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, row := range rows {
		from, to := count(t, binary, row.workload, row.from), count(t, binary, row.workload, row.to)
		per := float64(to-from) / float64(row.to-row.from)
		t.Logf("%8.0f instructions, at most %6.0f: %s", per, row.most*slack, row.name)
		switch {
		case per > row.most*slack:
			t.Errorf("%s: %.0f instructions, was %.0f", row.name, per, row.most)
		case per <= 0:
			t.Errorf("%s: %.1f instructions: nothing was counted", row.name, per)
		}
	}
}

// attempts bounds the runs of a workload in which valgrind itself crashes, which one in some fifty does. valgrindCrash is what it asks for then.
const (
	attempts      = 4
	valgrindCrash = "please report this bug to: www.valgrind.org"
)

// count runs a workload under callgrind and sums up the instructions of what counts.
func count(t *testing.T, binary, workload string, n int) (sum int64) {
	t.Helper()
	profile := filepath.Join(t.TempDir(), "profile")
	for attempt := 1; ; attempt++ {
		run := exec.Command("valgrind", "--tool=callgrind", "--callgrind-out-file="+profile, binary, workload, strconv.Itoa(n))
		// The signals by which the runtime preempts goroutines are too much for valgrind.
		run.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
		out, err := run.CombinedOutput()
		if err == nil {
			break
		}
		if attempt == attempts || !bytes.Contains(out, []byte(valgrindCrash)) {
			t.Fatalf("%s %d: %v\n%s", workload, n, err, tail(out))
		}
	}
	out, err := exec.Command("callgrind_annotate", "--threshold=100", "--show-percs=no", profile).Output()
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		m := costLine.FindStringSubmatch(lines.Text())
		if m == nil || !counts.MatchString(m[2]) {
			continue
		}
		instructions, err := strconv.ParseInt(strings.ReplaceAll(m[1], ",", ""), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += instructions
	}
	return sum
}

// costLine is "1,234,567  file:function [binary]"; lines of callers and callees have other forms.
var costLine = regexp.MustCompile(`^ *([0-9,]+)  [^=*<>]*?:([^ :][^ ]*)`)

// counts is what a function is called that counts.
var counts = regexp.MustCompile(`^(github\.com/wsedge/wsedge/|github\.com/panjf2000/gnet|syscall\.RawSyscall6|runtime\.(memmove|memequal|mallocgc|newobject|growslice|mapaccess|mapassign|mapdelete|makeslice))`)

// tail is the end of a long output.
func tail(out []byte) string {
	const most = 2000
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return fmt.Sprintf("…%s", out)
}
