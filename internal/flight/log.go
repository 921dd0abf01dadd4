package flight

import (
	"encoding/binary"
	"errors"
	"time"
)

// logBytes is the room for events of one connection. With the rest of a Flight that makes 224 B, and with the Recorder's table, which has 8 B a
// connection and up to a quarter of that to grow into, less than 256.
const logBytes = 186

// maxRecordBytes is the longest record: the kind, the time, the count, and four arguments.
const maxRecordBytes = 1 + 6*binary.MaxVarintLen64

// Flight is what is remembered of one connection: the last events, each as its kind, milliseconds since the one before it, how often it came in
// a row, and its arguments, all but the kind as varints.
type Flight struct {
	number    uint64 // of the client
	opened    int64  // Unix time in milliseconds
	base      int64  // when the last event happened that was forgotten, in milliseconds since opened
	last      int64  // when the last event happened
	forgotten uint32 // events that had to make room
	at        uint8  // where the last record begins
	used      uint8
	log       [logBytes]byte
}

// note adds an event that happens now, that many milliseconds after the connection was opened.
func (f *Flight) note(now int64, e Event) {
	now = max(now, f.last) // whatever is done to the system's clock
	delta := now - f.last
	if f.used > 0 {
		if before, sinceBefore, _, err := decode(f.log[f.at:f.used]); err == nil && before.same(&e) {
			e.Count += before.Count
			delta += sinceBefore
			f.used = f.at
		}
	}
	delta = min(delta, maxDelta)
	var record [maxRecordBytes]byte
	r := appendRecord(record[:0], delta, &e)
	for int(f.used)+len(r) > logBytes {
		f.forget()
	}
	f.at = f.used
	f.used += uint8(copy(f.log[f.used:], r))
	f.last = now
}

// forget drops the oldest record.
func (f *Flight) forget() {
	e, delta, n, err := decode(f.log[:f.used])
	if err != nil { // never; without it a mistake here would be an endless loop on an event loop
		f.used = 0
		return
	}
	f.base += delta
	f.forgotten += uint32(min(e.Count, 1<<20))
	copy(f.log[:], f.log[n:f.used])
	f.used -= uint8(n)
	f.at -= uint8(min(n, int(f.at)))
}

// events are all that is remembered, the oldest first.
func (f *Flight) events() []Event {
	list, _ := decodeAll(f.base, f.log[:f.used])
	return list
}

func appendRecord(dst []byte, delta int64, e *Event) []byte {
	dst = append(dst, byte(e.Kind))
	dst = binary.AppendUvarint(dst, uint64(delta))
	dst = binary.AppendUvarint(dst, e.Count)
	args := [...]uint64{e.A, e.B, e.C, e.D}
	for _, v := range args[:layouts[e.Kind].args] {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

var errRecord = errors.New("flight: no such record")

// decode reads one record: the event without its time, the milliseconds since the one before, and the record's length.
func decode(b []byte) (e Event, delta int64, n int, err error) {
	if len(b) == 0 || b[0] == 0 || Kind(b[0]) >= numKinds {
		return e, 0, 0, errRecord
	}
	e.Kind = Kind(b[0])
	n = 1
	since := uint64(0)
	fields := [...]*uint64{&since, &e.Count, &e.A, &e.B, &e.C, &e.D}
	for _, field := range fields[:2+layouts[e.Kind].args] {
		v, size := binary.Uvarint(b[n:])
		if size <= 0 {
			return e, 0, 0, errRecord
		}
		*field, n = v, n+size
	}
	if since > uint64(maxDelta) {
		return e, 0, 0, errRecord
	}
	return e, int64(since), n, nil
}

// maxDelta bounds the milliseconds between two events, so that those of a whole log can be added up as durations: a year.
const maxDelta = int64(366*24*time.Hour) / int64(time.Millisecond)

// decodeAll reads records, the first of which comes after base milliseconds.
func decodeAll(base int64, b []byte) (list []Event, err error) {
	for len(b) > 0 {
		e, delta, n, err := decode(b)
		if err != nil {
			return list, err
		}
		base += delta
		e.At = time.Duration(base) * time.Millisecond
		list, b = append(list, e), b[n:]
	}
	return list, nil
}
