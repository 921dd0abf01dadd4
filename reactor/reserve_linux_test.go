package reactor

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// The kernel's table of descriptors is as large as the server may need it before the first connection comes.
func TestDescriptorTableIsGrownInAdvance(t *testing.T) {
	s := serve(t, Config{Handler: echo})
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^FDSize:\s+(\d+)$`).FindSubmatch(status)
	if m == nil {
		t.Fatal("the kernel does not tell")
	}
	size, err := strconv.Atoi(string(m[1]))
	if want := min(s.cfg.MaxConns, maxGrownTable); err != nil || size < want {
		t.Errorf("room for %s descriptors, want %d", m[1], want)
	}
}
