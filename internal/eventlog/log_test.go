package eventlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Run(m, warmUp) }

// warmUp has the runtime open what it keeps for files.
func warmUp() {
	if file, err := os.Open(os.DevNull); err == nil {
		file.Close()
	}
}

// still is a clock that stands still.
func still() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// mainLog is a main log that can be read while it is written.
type mainLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (m *mainLog) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(b)
}

func (m *mainLog) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// start makes a Log.
func start(t testing.TB, s Settings) (*Log, *mainLog) {
	t.Helper()
	log := &mainLog{}
	e := New(slog.New(slog.NewTextHandler(log, nil)), still)
	t.Cleanup(e.Close)
	s, problems := s.WithDefaults()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if err := e.Configure(s); err != nil {
		t.Fatal(err)
	}
	return e, log
}

// read is what a file holds, line by line.
func read(t testing.TB, name string) []string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// push does what those do who publish.
func push(e *Log, p Pushed) {
	if e.PushWanted(p.Error != "") {
		e.Push(p)
	}
}

func TestPushLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "push")
	for _, row := range []struct {
		settings Push
		pushed   Pushed
		want     string // behind the time
	}{
		{Push{}, Pushed{Channel: "news", Key: "backend", Data: []byte("secret"), Offset: 7, Epoch: "e", Matched: 3},
			`"msg":"push","channel":"news","key":"backend","offset":7,"epoch":"e","matched":3,"bytes":6}`},
		{Push{Data: DataNone}, Pushed{Channel: "news", Client: "n-1", User: "a\"nn", Data: []byte("secret"), Offset: 7, Epoch: "e", Repeated: true},
			`"msg":"push","channel":"news","client":"n-1","user":"a\"nn","offset":7,"epoch":"e","matched":0,"repeated":true}`},
		{Push{Data: DataHash, Every: 10}, Pushed{Channel: "news", Data: []byte("secret"), Offset: 7, Epoch: "e"},
			`"msg":"push","channel":"news","offset":7,"epoch":"e","matched":0,"bytes":6,"sha256":"2bb80d537b1da3e3","every":10}`},
		{Push{Data: DataHead, HeadBytes: 3}, Pushed{Channel: "news", Data: []byte("seäret"), Offset: 7, Epoch: "e"},
			`"msg":"push","channel":"news","offset":7,"epoch":"e","matched":0,"bytes":7,"head":"se�"}`},
		{Push{}, Pushed{Channel: strings.Repeat("x", 300), Error: "too_large", Data: []byte("secret")},
			`"msg":"push","channel":"` + strings.Repeat("x", 255) + `…","error":"too_large","bytes":6}`},
	} {
		row.settings.Enabled, row.settings.File = true, file
		os.Remove(file)
		e, _ := start(t, Settings{Push: row.settings})
		push(e, row.pushed)
		e.Close()
		push(e, row.pushed) // nobody writes it
		if got := read(t, file); len(got) != 1 || got[0] != `{"time":"2026-01-02T03:04:05Z",`+row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
		if st := e.Stats(); st.Pushes != 1 || st.PushesDropped != 0 {
			t.Errorf("%+v", st)
		}
	}
}

func TestSamples(t *testing.T) {
	file := filepath.Join(t.TempDir(), "push")
	e, _ := start(t, Settings{Push: Push{Enabled: true, File: file, Every: 10}})
	for i := range 95 {
		p := Pushed{Channel: "news", Offset: uint64(i)}
		if i%19 == 1 {
			p.Error = "rate"
		}
		push(e, p)
	}
	e.Close()
	failed, fine := 0, 0
	for _, l := range read(t, file) {
		if strings.Contains(l, `"error":"rate"`) {
			failed++
		} else {
			fine++
		}
	}
	if failed != 5 || fine != 9 {
		t.Errorf("%d that failed, %d others; want 5 and 9", failed, fine)
	}
}

func TestAccessLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access")
	address := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 77), Port: 5000}
	e, _ := start(t, Settings{Access: Access{Enabled: true, File: file, Connections: true, Address: AddressSubnet}})
	e.Handshake(Handshake{Address: address, Status: 101, Client: "n-1", Dialect: "raw"}, 1)
	e.Handshake(Handshake{Address: address, Status: 403, Reason: "origin"}, 0)
	e.Request(Request{Address: address, Method: "POST", Path: "/api/publish", Key: "backend", Status: 200, In: 20, Out: 30, Took: 1500 * time.Microsecond})
	e.Request(Request{Method: strings.Repeat("M", 300), Path: "/api/\"\n", Status: 404, In: -1})
	e.End(Closed{Address: address, Client: "n-1", User: "ann", Code: 1000, Reason: "bye\n", Remote: true}, 1)
	e.End(Closed{Client: "n-2", Code: 1006}, 2)
	e.Close()
	want := []string{
		`"msg":"handshake","address":"192.0.2.0/24","status":101,"client":"n-1","dialect":"raw"}`,
		`"msg":"handshake","address":"192.0.2.0/24","status":403,"reason":"origin"}`,
		`"msg":"request","address":"192.0.2.0/24","method":"POST","path":"/api/publish","status":200,"key":"backend","in":20,"out":30,"duration_ms":1.5}`,
		`"msg":"request","method":"` + strings.Repeat("M", 255) + `…","path":"/api/\"\n","status":404,"out":0,"duration_ms":0}`,
		`"msg":"close","address":"192.0.2.0/24","client":"n-1","user":"ann","code":1000,"reason":"bye\n","by_client":true}`,
		`"msg":"close","client":"n-2","code":1006,"by_client":false}`,
	}
	for i, got := range read(t, file) {
		if got != `{"time":"2026-01-02T03:04:05Z",`+want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
}

func TestRedaction(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	for _, row := range []struct {
		address            net.Addr
		full, subnet, none string
	}{
		{tcp("192.0.2.77"), "192.0.2.77", "192.0.2.0/24", ""}, {tcp("::ffff:192.0.2.77"), "192.0.2.77", "192.0.2.0/24", ""},
		{tcp("2001:db8:1:2::3"), "2001:db8:1:2::3", "2001:db8:1::/48", ""}, {&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, "fe80::1%eth0", "fe80::/48", ""},
		{&net.UnixAddr{Name: "@", Net: "unix"}, "unix", "unix", ""}, {nil, "", "", ""}, {&net.IPAddr{}, "", "", ""},
	} {
		for mode, want := range map[Address]string{AddressFull: row.full, AddressSubnet: row.subnet, AddressNone: row.none} {
			if got := mode.of(row.address); got != want {
				t.Errorf("%v, %s: %q, want %q", row.address, mode, got, want)
			}
		}
	}
}

// Lines that come faster than they are written are dropped, counted, and told of; all others are there.
func TestBurst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "push")
	e, _ := start(t, Settings{Push: Push{Enabled: true, File: file, Data: DataHash}})
	data := make([]byte, 64<<10) // 4 MiB are 64 of them: hashing is slower than queueing
	var publishers sync.WaitGroup
	for range 4 {
		publishers.Go(func() {
			for range 500 {
				push(e, Pushed{Channel: "news", Data: data})
			}
		})
	}
	publishers.Wait()
	e.Close()
	st := e.Stats()
	if st.Pushes+st.PushesDropped != 2000 || st.PushesDropped == 0 || e.queued.Load() != 0 {
		t.Errorf("%+v, %d B still queued", st, e.queued.Load())
	}
	lines, told := int64(0), int64(0)
	for _, l := range read(t, file) {
		var r struct {
			Msg   string
			Lines int64
		}
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		if r.Msg == "push" {
			lines++
		}
		told += r.Lines
	}
	if lines != st.Pushes || told != st.PushesDropped {
		t.Errorf("%d lines, %d dropped by what they say; counted %+v", lines, told, st)
	}
}

// A file that was moved away gets what was said before, a new one the rest; one that can't be opened changes nothing.
func TestReopen(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "log")
	settings := Settings{Push: Push{Enabled: true, File: file, Every: 1}, Access: Access{Enabled: true, File: file}}
	e, log := start(t, settings)
	say := func(i int) {
		push(e, Pushed{Channel: fmt.Sprint("c", i)})
		e.Request(Request{Method: "GET", Path: fmt.Sprint("/", i)})
	}
	say(1)
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	if err := e.Reopen(); err != nil {
		t.Fatal(err)
	}
	say(2)
	bad := settings
	bad.Push.File = filepath.Join(folder, "none", "log")
	if err := e.Configure(bad); err == nil || !strings.Contains(err.Error(), "push log: ") {
		t.Errorf("%v", err)
	}
	say(3)
	if err := e.Configure(Settings{Push: Push{Enabled: true, Every: 1}}); err != nil { // to the main log
		t.Fatal(err)
	}
	say(4)
	if err := e.Configure(Settings{}); err != nil {
		t.Fatal(err)
	}
	say(5)
	e.Close()
	if err := e.Reopen(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{file + ".1": "c1 /1", file: "c2 /2 c3 /3"} {
		var said []string
		for _, l := range read(t, name) {
			var r struct{ Channel, Path string }
			_ = json.Unmarshal([]byte(l), &r)
			said = append(said, r.Channel+r.Path)
		}
		if got := strings.Join(said, " "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if text := log.String(); strings.Count(text, "msg=push") != 1 || !strings.Contains(text, "channel=c4") {
		t.Errorf("main log: %s", text)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestProblems(t *testing.T) {
	_, problems := Settings{Push: Push{Every: -1, HeadBytes: 2000, Data: "all"}, Access: Access{Address: "half"}}.WithDefaults()
	if len(problems) != 4 {
		t.Errorf("%v", problems)
	}
}

// Off, there is no goroutine and no file, and asking costs nothing.
func TestOff(t *testing.T) {
	e, _ := start(t, Settings{})
	if n := testing.AllocsPerRun(100, func() {
		push(e, Pushed{Channel: "news"})
		e.Handshake(Handshake{}, 1)
		e.End(Closed{}, 1)
		e.Request(Request{})
	}); n != 0 || e.started || e.Requests() || e.Ends() {
		t.Errorf("%v allocations, started: %v", n, e.started)
	}
}

// The end of a connection says how long it lasted.
func TestLasted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access")
	e, _ := start(t, Settings{Access: Access{Enabled: true, File: file, Connections: true}})
	now := still()
	e.now = func() time.Time { return now }
	e.Handshake(Handshake{Status: 101, Client: "n-1"}, 1)
	now = now.Add(1500 * time.Millisecond)
	e.End(Closed{Client: "n-1"}, 1)
	e.Close()
	if got := read(t, file); !strings.Contains(got[1], `"duration_ms":1500`) {
		t.Errorf("%s", got)
	}
}

// TestNoTerminalObeys: a log is looked at in terminals, some of which obey U+009B as they do an escape, which JSON does not write as it is.
func TestNoTerminalObeys(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	e, _ := start(t, Settings{Push: Push{Enabled: true, File: name, Data: DataHead}, Access: Access{Enabled: true, File: name, Connections: true}})
	const evil = "a\u009b31m\u202e\x7f\x1b\nb\u200dc"
	e.Request(Request{Method: "GET", Path: "/api/" + evil, Key: evil})
	e.End(Closed{User: evil, Reason: evil}, 1)
	push(e, Pushed{Channel: "news", User: evil, Data: []byte(evil)})
	e.Close()
	lines := read(t, name)
	for _, l := range lines {
		if strings.ContainsAny(l, "\u009b\u202e\x7f\x1b") || !strings.Contains(l, "b\u200dc") {
			t.Errorf("%q", l)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%q", lines)
	}
}

// TestLongTexts has queued lines keep the beginning of what peers have written: a path may be as long as a request's head.
func TestLongTexts(t *testing.T) {
	e := New(nil, still)
	e.lines = make(chan line, 3)
	s, _ := Settings{Push: Push{Enabled: true}, Access: Access{Enabled: true, Connections: true}}.WithDefaults()
	e.push.Store(&s.Push)
	e.access.Store(&s.Access)
	long := strings.Repeat("x", 8000)
	e.Request(Request{Method: long, Path: long})
	e.Push(Pushed{User: long})
	e.End(Closed{User: long}, 1)
	r, p, c := (<-e.lines).entry.(*requestLine), (<-e.lines).entry.(*pushLine), (<-e.lines).entry.(*closedLine)
	for _, text := range []string{r.Method, r.Path, p.User, c.User} {
		if len(text) > maxTextBytes+len("…") {
			t.Errorf("%d bytes are kept", len(text))
		}
	}
}

func BenchmarkPush(b *testing.B) {
	e, _ := start(b, Settings{Push: Push{Enabled: true, File: filepath.Join(b.TempDir(), "push")}})
	b.ReportAllocs()
	for b.Loop() {
		push(e, Pushed{Channel: "news", Key: "backend", Offset: 1, Epoch: "e"})
	}
}
