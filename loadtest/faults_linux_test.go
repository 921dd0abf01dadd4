package loadtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// faults is what a proxy did to messages.
type faults struct{ Dropped, Doubled, Swapped, Corrupted uint64 }

// faultProxy does harm to one message in so many of those that carry a stamp, and keeps the account. It reads frames with
// code of its own.
type faultProxy struct {
	// Immutable.
	oneIn  int
	kinds  string // of d(rop), D(ouble), s(wap), c(orrupt)
	last   int    // number of the last message of each connection: there is none behind it to swap it with
	harmed sync.Mutex

	done faults // guarded by harmed
}

func (p *faultProxy) down(conn int, to io.Writer, from io.Reader) {
	in := bufio.NewReaderSize(from, 64<<10)
	for line := ""; line != "\r\n"; { // the handshake
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			return
		}
		_, _ = io.WriteString(to, line)
	}
	random := rand.New(rand.NewPCG(uint64(conn), 17))
	var held []byte // to be swapped with the one behind it
	for n := 0; ; {
		frame, err := readFrame(in)
		if err != nil {
			return
		}
		if !bytes.Contains(frame, []byte("wsl1:")) {
			_, _ = to.Write(frame)
			continue
		}
		out := frame
		switch {
		case held != nil:
			out, held = append(bytes.Clone(frame), held...), nil
		case random.IntN(p.oneIn) == 0:
			out, held = p.harm(frame, random, n)
		}
		if n++; len(out) > 0 {
			_, _ = to.Write(out)
		}
	}
}

func (p *faultProxy) soFar() faults {
	p.harmed.Lock()
	defer p.harmed.Unlock()
	return p.done
}

// harm returns what to send now, and what behind the next message.
func (p *faultProxy) harm(frame []byte, random *rand.Rand, n int) (now, later []byte) {
	p.harmed.Lock()
	defer p.harmed.Unlock()
	switch kind := p.kinds[random.IntN(len(p.kinds))]; {
	case kind == 'd':
		p.done.Dropped++
		return nil, nil
	case kind == 'D':
		p.done.Doubled++
		return append(bytes.Clone(frame), frame...), nil
	case kind == 's' && n < p.last:
		p.done.Swapped++
		return nil, frame
	case kind == 'c':
		p.done.Corrupted++
		// Any byte of the stamp. The lowest bit of a letter, digit or colon keeps the text one: otherwise the connection
		// would end over it.
		stamp := bytes.Index(frame, []byte("wsl1:"))
		frame[stamp+random.IntN(stampBytes)] ^= 1
	}
	return frame, nil
}

// stampBytes is the payload of these tests.
const stampBytes = 128

// readFrame reads an unmasked frame (RFC 6455, section 5.2) whole.
func readFrame(in *bufio.Reader) ([]byte, error) {
	head := make([]byte, 10)
	size := 2
	if _, err := io.ReadFull(in, head[:2]); err != nil {
		return nil, err
	}
	length := uint64(head[1])
	switch length {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if _, err := io.ReadFull(in, head[2:size]); err != nil {
		return nil, err
	}
	switch size {
	case 4:
		length = uint64(binary.BigEndian.Uint16(head[2:]))
	case 10:
		length = binary.BigEndian.Uint64(head[2:])
	}
	frame := append(head[:size:size], make([]byte, length)...)
	_, err := io.ReadFull(in, frame[size:])
	return frame, err
}

// TestTruthOfFaults has every fault found and none invented, in both scenarios that send.
func TestTruthOfFaults(t *testing.T) {
	run := faultRun{conns: 4, perSecond: 2000, deliveries: int(2000 * max(500*time.Millisecond, *truthTime).Seconds()), oneIn: 10}
	for name, kinds := range map[string]string{
		"none": "", "drops": "d", "doubles": "D", "swaps": "s", "corrupts": "c", "all kinds": "dDsc",
	} {
		for _, scenario := range []Scenario{Echo, Fanout} {
			t.Run(name+" in "+string(scenario), func(t *testing.T) {
				t.Parallel()
				run := run
				run.scenario, run.kinds = scenario, kinds
				run.check(t)
			})
		}
	}
}

// TestTruthOfRareFaults is the same at the size of a real run: of more than ten million deliveries, one in 10,000 is harmed.
func TestTruthOfRareFaults(t *testing.T) {
	run := faultRun{kinds: "dDsc", conns: 20, perSecond: 20_000, deliveries: 10_000, oneIn: 100}
	if *truthTime > 0 {
		run.conns, run.perSecond, run.deliveries, run.oneIn = 1000, 50_000, 10_500_000, 10_000
	}
	for _, scenario := range []Scenario{Echo, Fanout} {
		t.Run(string(scenario), func(t *testing.T) {
			if *truthTime == 0 {
				t.Parallel() // the long ones need the whole machine
			}
			run := run
			run.scenario = scenario
			run.check(t)
		})
	}
}

// faultRun is a run through a faultProxy, with one publisher.
type faultRun struct {
	scenario              Scenario
	kinds                 string // as the proxy's
	conns                 int
	perSecond, deliveries int // of all connections
	oneIn                 int
}

func (f faultRun) check(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	each := f.deliveries / f.conns
	cfg := Config{
		Scenario: f.scenario, Conns: f.conns, Threads: 2, Rate: float64(f.perSecond), Publishers: 1, Payload: stampBytes,
		Duration: time.Duration(f.deliveries) * time.Second / time.Duration(f.perSecond), Drain: patience,
		PublishURL: "http://" + s.listener.Addr().String() + "/api/publish",
	}
	path := "/echo"
	if f.scenario == Fanout {
		cfg.Rate /= float64(f.conns)
		path = "/ws"
	}
	p := &faultProxy{oneIn: f.oneIn, kinds: f.kinds, last: each - 1}
	if f.kinds == "" {
		p.oneIn, p.kinds = 1<<62, "?"
	}
	cfg.URL = "ws://" + startProxy(t, s.listener.Addr(), p.down) + path
	all := uint64(each * f.conns)
	// Before the proxy has seen them all, this is more than has come.
	cfg.all = func(now progress) bool {
		done := p.soFar()
		return arrives(all-done.Dropped-done.Corrupted, done.Doubled+done.Swapped+done.Corrupted)(now)
	}
	r := mustRun(t, cfg)
	done := p.soFar()
	lost := done.Dropped + done.Corrupted
	want := LedgerCounts{
		Expected: all, Received: all - lost, Lost: lost, Duplicated: done.Doubled, Reordered: done.Swapped, Corrupted: done.Corrupted,
	}
	if r.Ledger != want {
		t.Errorf("the proxy did %+v: the ledger says %+v, want %+v", done, r.Ledger, want)
	}
	harm := done.Dropped + done.Doubled + done.Swapped + done.Corrupted
	if r.Verdict.OK != (harm == 0) || r.Errors.Total != 0 || r.Publications.Errors.Total != 0 {
		t.Errorf("%v, %+v, %+v", r.Verdict, r.Errors, r.Publications)
	}
	// One in so many, less those that a swap passes over: a proxy that did nothing would prove nothing.
	if f.kinds != "" && harm < all/uint64(2*f.oneIn) {
		t.Errorf("%s: only %d of %d messages were harmed", strings.ToUpper(f.kinds), harm, all)
	}
	t.Logf("%d deliveries, the proxy did %+v, the ledger says %+v", all, done, r.Ledger)
}
