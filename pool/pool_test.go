package pool

import (
	"bytes"
	"sync"
	"testing"
)

func TestClassOf(t *testing.T) {
	for _, tc := range []struct{ size, class int }{
		{0, 0}, {1, 0}, {256, 0}, {257, 1}, {1024, 1}, {1025, 2}, {1 << 18, 5}, {1<<18 + 1, 6}, {1 << 20, 6}, {1<<20 + 1, -1},
	} {
		if got := classOf(tc.size); got != tc.class {
			t.Errorf("classOf(%d) = %d, want %d", tc.size, got, tc.class)
		}
	}
}

func TestBufferKeepsContentWhileItGrows(t *testing.T) {
	b := Get(0)
	var want []byte
	for i := 0; len(want) < 3<<20; i++ {
		p := bytes.Repeat([]byte{byte(i)}, 1+i*37)
		if n, err := b.Write(p); n != len(p) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		want = append(want, p...)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Fatal("content changed on the way")
	}
	b.Release()
	if l := Outstanding(); l != (Ledger{}) {
		t.Fatalf("outstanding %+v", l)
	}
}

// A class must go on pooling when contents are far shorter than it: bytebufferpool's calibration, after 42,000 calls,
// would otherwise drop every buffer.
func TestShortContentsDoNotEmptyTheClass(t *testing.T) {
	for range 50_000 {
		b := Get(4096)
		b.Write([]byte("short"))
		b.Release()
	}
	allocs := testing.AllocsPerRun(1000, func() {
		b := Get(4096)
		b.Write([]byte("short"))
		b.Release()
	})
	if !raceEnabled && !debug && allocs != 0 {
		t.Errorf("%v allocations per Get, want 0", allocs)
	}
}

func TestSharedLivesUntilTheLastRelease(t *testing.T) {
	s := NewShared(10)
	s.Write([]byte("frame"))
	var wg sync.WaitGroup
	for range 8 {
		s.Retain()
		wg.Add(1)
		go func() {
			defer wg.Done()
			if string(s.Bytes()) != "frame" {
				t.Error("content changed")
			}
			s.Release()
		}()
	}
	wg.Wait()
	if l := Outstanding(); l.Shared != 1 {
		t.Fatalf("outstanding %+v, want one shared", l)
	}
	s.Release()
	if l := Outstanding(); l != (Ledger{}) {
		t.Fatalf("outstanding %+v", l)
	}
}

func TestSharedTakesOverOutgrownStorage(t *testing.T) {
	s := NewShared(1)
	s.SetBytes(append(s.Storage(), bytes.Repeat([]byte("x"), 5000)...))
	if s.Len() != 5000 {
		t.Fatalf("Len = %d", s.Len())
	}
	s.Release()
}

func TestMisuseOfSharedPanics(t *testing.T) {
	s := &Shared{buf: &Buffer{}}
	mustPanic(t, "Release", s.Release)
	s.refs.Store(0)
	mustPanic(t, "Retain", s.Retain)
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}

func BenchmarkGet(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Get(1000).Release()
	}
}
