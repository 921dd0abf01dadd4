package record

import (
	"bytes"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/internal/peer"
)

func TestCountSealed(t *testing.T) {
	_, p := pair(t, suites[0])
	ours := func() *peer.Peer { return &peer.Peer{Suite: suites[0], Sealing: p.Opening} }
	other := &peer.Peer{Suite: suites[0], Sealing: p.Sealing}
	join := bytes.Join
	a := ours()
	tickets := [][]byte{a.Seal(22, 4), a.Seal(22, 4), a.Seal(22, 4)}
	clear := []byte{22, 3, 3, 0, 2, 2, 0}
	for _, c := range []struct {
		name   string
		flight []byte
		want   uint64
		fails  bool
	}{
		{"nothing", nil, 0, false},
		{"handshake keys only", join([][]byte{clear, other.Seal(22, 8), other.Seal(22, 20)}, nil), 0, false},
		{"one ticket", join([][]byte{clear, other.Seal(22, 20), tickets[0]}, nil), 1, false},
		{"three", join([][]byte{other.Seal(22, 20), tickets[0], tickets[1], tickets[2]}, nil), 3, false},
		{"one is missing", join([][]byte{tickets[0], tickets[2]}, nil), 0, true},
		{"something else behind", join([][]byte{tickets[0], clear}, nil), 0, true},
		{"cut", tickets[0][:20], 0, true},
		{"cut in a header", tickets[0][:3], 0, true},
	} {
		n, err := CountSealed(suites[0], p.Opening, c.flight)
		if n != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %d, %v", c.name, n, err)
		}
	}
	if _, err := CountSealed(1, p.Opening, nil); err == nil {
		t.Error("suite 1")
	}
	if _, err := CountSealed(suites[0], nil, nil); err == nil {
		t.Error("no secret")
	}
}
