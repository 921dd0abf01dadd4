package broker

// What one of them costs beside its bytes, so that the bound of the engine is one of memory.
const (
	recordCost = 176 // two slots of 32 B at worst, since rings grow by doubling, and a Publication of 96, rounded up
	keyCost    = 200 // an entry of a map, a slot of a slice, and an epoch
)

// past is what a memoryLog keeps. Guarded by the log's mutex, but for the engine's none, which never changes.
type past struct {
	engine    *Memory // immutable
	retention Retention
	records   ring
	keys      keys
	cursors   *cursors // nil while there are none
}

// resultOf is what became of the publication with that key.
func (p *past) resultOf(key string) (Result, bool) {
	if key == "" || p.keys.len() == 0 {
		return Result{}, false
	}
	p.expireKeys()
	r, known := p.keys.results[key]
	return Result{Position: r.Position, Matched: r.matched}, known
}

// keep appends a record, in the place of the oldest where there are enough.
func (p *past) keep(r Record) {
	p.expire()
	for p.records.n >= p.retention.Size {
		p.popRecord()
	}
	cost := costOf(r)
	for !p.engine.history.fits(cost) && p.records.n > 0 {
		p.popRecord()
		p.engine.history.givenUp.Add(1)
	}
	if !p.engine.history.charge(cost) {
		p.engine.history.givenUp.Add(1)
		// What is kept must have no holes: the next record will be the first.
		for p.records.n > 0 {
			p.popRecord()
			p.engine.history.givenUp.Add(1)
		}
		return
	}
	p.records.push(kept{r, p.now()})
}

// remember keeps a result for whoever publishes with that key again.
func (p *past) remember(key string, r Result) {
	p.expireKeys()
	for p.keys.len() >= MaxKeys {
		p.popKey()
	}
	cost := keyCost + int64(len(key))
	for !p.engine.keys.fits(cost) && p.keys.len() > 0 {
		p.popKey()
		p.engine.keys.givenUp.Add(1)
	}
	if !p.engine.keys.charge(cost) {
		p.engine.keys.givenUp.Add(1)
		return
	}
	p.keys.put(key, keyedResult{r.Position, r.Matched, p.now()})
}

// expire lets go what is too old, or too much after a change of the retention.
func (p *past) expire() {
	for p.records.n > p.retention.Size {
		p.popRecord()
	}
	if age := p.retention.Age; age > 0 && p.records.n > 0 {
		for before := p.now() - int64(age); p.records.n > 0 && p.records.at(0).at <= before; {
			p.popRecord()
		}
	}
	p.expireKeys()
}

func (p *past) expireKeys() {
	if p.keys.len() == 0 {
		return
	}
	for before := p.now() - int64(KeyLife); p.keys.len() > 0 && p.keys.oldest() <= before; {
		p.popKey()
	}
}

// clear lets everything go.
func (p *past) clear() {
	for p.records.n > 0 {
		p.popRecord()
	}
	for p.keys.len() > 0 {
		p.popKey()
	}
	p.forgetAll(&p.engine.cursorCounts.withChannel)
}

func (p *past) popRecord() { p.engine.history.bytes.Add(-costOf(p.records.pop())) }

func (p *past) popKey() { p.engine.keys.bytes.Add(-keyCost - int64(len(p.keys.pop()))) }

func (p *past) now() int64 { return p.engine.config.Now().UnixNano() }

func costOf(r Record) int64 {
	return recordCost + int64(len(r.Data)+len(r.Client)+len(r.User)+len(r.Exclude)+len(r.IdempotencyKey))
}
