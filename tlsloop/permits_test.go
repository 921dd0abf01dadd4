package tlsloop

import "testing"

// Who is closed does not compute, also where a permit is free.
func TestNoPermitForTheClosed(t *testing.T) {
	p := make(permits, 1)
	open, done := make(chan struct{}), make(chan struct{})
	close(done)
	for range 100 {
		if p.acquire(done) {
			t.Fatal("acquired by one that is closed")
		}
	}
	for range 3 {
		if !p.acquire(open) {
			t.Fatal("not acquired")
		}
		p.release()
	}
}
