package metrics

import (
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAppendProcess(t *testing.T) {
	runtime.GC()
	text := string(AppendProcess(nil))
	line := regexp.MustCompile(`^(# (HELP|TYPE) (go|process)_[a-z_]+ .+|(go|process)_[a-z_]+ [0-9.]+)$`)
	for l := range strings.Lines(text) {
		if !line.MatchString(strings.TrimSuffix(l, "\n")) {
			t.Errorf("line %q is out of format", l)
		}
	}
	atLeast := map[string]float64{
		"go_goroutines": 2, "go_memstats_heap_alloc_bytes": 1e4, "go_memstats_heap_inuse_bytes": 1e4, "go_memstats_alloc_bytes_total": 1e4,
		"go_gc_duration_seconds_count": 1, "process_cpu_seconds_total": 1e-4, "process_start_time_seconds": float64(time.Now().Unix() - 3600),
	}
	if runtime.GOOS == "linux" {
		atLeast["process_resident_memory_bytes"], atLeast["process_open_fds"], atLeast["process_max_fds"] = 1e6, 3, 16
	}
	for name, least := range atLeast {
		m := regexp.MustCompile(`(?m)^` + name + ` (.+)$`).FindStringSubmatch(text)
		if m == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if value, err := strconv.ParseFloat(m[1], 64); err != nil || value < least {
			t.Errorf("%s is %s, want at least %g", name, m[1], least)
		}
	}
}
