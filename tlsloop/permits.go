package tlsloop

// permits are tokens: whoever holds one may compute.
type permits chan struct{}

// acquire waits for a permit. It reports false, and none is held, if done is closed first.
func (p permits) acquire(done <-chan struct{}) bool {
	select {
	case p <- struct{}{}:
	case <-done:
		return false
	}
	select {
	case <-done:
		p.release()
		return false
	default:
		return true
	}
}

func (p permits) release() { <-p }
