package broker

import "strconv"

// ScopedKey is the idempotency key under which a channel's log remembers key of that publisher, who is whoever may repeat it: a backend, or
// a user. Nobody's key is another's, or whoever guesses keys could have the publications of others swallowed. Empty for none.
func ScopedKey(publisher, key string) string {
	if key == "" {
		return ""
	}
	return strconv.Itoa(len(publisher)) + ":" + publisher + key
}

// keys are the results of a channel's publications by their idempotency keys. The zero value is empty.
type keys struct {
	results map[string]keyedResult
	order   []string // oldest first, from first on
	first   int
}

// keyedResult is what became of a publication, and when it was made: Unix time in nanoseconds.
type keyedResult struct {
	Position
	matched int
	at      int64
}

func (k *keys) len() int { return len(k.order) - k.first }

// put remembers a result under a key that is not known.
func (k *keys) put(key string, r keyedResult) {
	if k.results == nil {
		k.results = make(map[string]keyedResult)
	}
	k.results[key] = r
	k.order = append(k.order, key)
}

// pop forgets the oldest, and returns its key.
func (k *keys) pop() string {
	key := k.order[k.first]
	k.order[k.first] = ""
	delete(k.results, key)
	k.first++
	switch n := k.len(); {
	case n == 0:
		*k = keys{} // a map keeps the room of what has gone
	case k.first >= 64 && k.first >= n:
		k.order, k.first = append([]string(nil), k.order[k.first:]...), 0
	}
	return key
}

// oldest is since when the oldest has been remembered. There is one.
func (k *keys) oldest() int64 { return k.results[k.order[k.first]].at }
