package native

import (
	"strconv"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

const (
	// MaxKeyBytes bounds an idempotency key: an engine remembers many.
	MaxKeyBytes = 128
	// MaxHistory is the highest limit of a history command, and defaultHistory the one that it has without.
	MaxHistory     = 1000
	defaultHistory = 100
)

// IdempotencyKey decodes the JSON value of an idempotency key; nil stands for none.
func IdempotencyKey(value []byte) (string, *Error) {
	if value == nil {
		return "", nil
	}
	key, ok := jsonobject.String(value)
	switch {
	case !ok:
		return "", &Error{CodeBadRequest, "idempotency_key must be a string"}
	case len(key) > MaxKeyBytes:
		return "", &Error{CodeBadRequest, "idempotency_key is longer than 128 bytes"}
	}
	return key, nil
}

// HistoryRange decodes the JSON values that say which part of a history is wanted; nil stands for none.
func HistoryRange(since, limit []byte) (*Recover, int, *Error) {
	from, err := parseRecover("since", since)
	if err != nil || limit == nil {
		return from, defaultHistory, err
	}
	n, ok := jsonobject.Uint64(limit)
	if !ok || n < 1 || n > MaxHistory {
		return nil, 0, &Error{CodeBadRequest, "limit must be a whole number from 1 to 1000"}
	}
	return from, int(n), nil
}

// Position is what the engine calls it; nil for nil.
func (r *Recover) Position() *broker.Position {
	if r == nil {
		return nil
	}
	return &broker.Position{Epoch: r.Epoch, Offset: r.Offset}
}

// AppendHistory appends the answer to history. asked tells that the client has named a position, exclude the id of a client
// whose messages are left out if they were not for it.
func AppendHistory(dst, id []byte, channel string, past *broker.Past, asked bool, exclude string) []byte {
	dst = append(appendHead(dst, "history", id), ',')
	return append(AppendPast(dst, channel, past, asked, exclude), '}')
}

// AppendPast appends the members of such an answer, without braces.
func AppendPast(dst []byte, channel string, past *broker.Past, asked bool, exclude string) []byte {
	dst = append(append(append(dst, `"channel":"`...), channel...), '"')
	dst = appendString(dst, "epoch", past.Position.Epoch)
	dst = appendUint(dst, "offset", past.Position.Offset)
	if asked {
		dst = append(dst, `,"recovered":`...)
		dst = strconv.AppendBool(dst, past.Exact)
	}
	dst = append(dst, `,"publications":[`...)
	first, storage := true, make([]byte, 0, 256)
	for _, r := range past.Publications {
		if r.Exclude != "" && r.Exclude == exclude {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		data, tail := parts(&dialect.Message{Publication: r.Publication, Offset: r.Offset, Prev: r.Prev}, storage[:0])
		dst = append(append(append(dst, `{"data":`...), data...), tail...)
	}
	return append(dst, ']')
}
