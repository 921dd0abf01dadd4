package record

import (
	"bytes"
	"testing"
)

func TestCountSealed(t *testing.T) {
	_, p := pair(t, suites[0])
	ours := func() *peer { return &peer{suite: suites[0], sealing: p.opening} }
	other := &peer{suite: suites[0], sealing: p.sealing}
	join := bytes.Join
	a := ours()
	tickets := [][]byte{a.seal(22, 4), a.seal(22, 4), a.seal(22, 4)}
	clear := []byte{22, 3, 3, 0, 2, 2, 0}
	for _, c := range []struct {
		name   string
		flight []byte
		want   uint64
		fails  bool
	}{
		{"nothing", nil, 0, false},
		{"handshake keys only", join([][]byte{clear, other.seal(22, 8), other.seal(22, 20)}, nil), 0, false},
		{"one ticket", join([][]byte{clear, other.seal(22, 20), tickets[0]}, nil), 1, false},
		{"three", join([][]byte{other.seal(22, 20), tickets[0], tickets[1], tickets[2]}, nil), 3, false},
		{"one is missing", join([][]byte{tickets[0], tickets[2]}, nil), 0, true},
		{"something else behind", join([][]byte{tickets[0], clear}, nil), 0, true},
		{"cut", tickets[0][:20], 0, true},
		{"cut in a header", tickets[0][:3], 0, true},
	} {
		n, err := CountSealed(suites[0], p.opening, c.flight)
		if n != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %d, %v", c.name, n, err)
		}
	}
	if _, err := CountSealed(1, p.opening, nil); err == nil {
		t.Error("suite 1")
	}
	if _, err := CountSealed(suites[0], nil, nil); err == nil {
		t.Error("no secret")
	}
}
