package api

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// batchPath is the method of many: whoever has a key may ask for it, and each of its commands needs what it would need alone.
const batchPath = "/api/batch"

const (
	// maxBatch bounds the commands of one batch.
	maxBatch = 1000
	// maxBatchReplyBytes bounds what their replies take together, but for the last of them: histories can be long.
	maxBatchReplyBytes = 8 << 20
)

var errBatchLate = &native.Error{Code: native.CodeUnavailable, Message: "not carried out: those before it took too long"}

var errBatchFull = &native.Error{Code: native.CodeTooLarge, Message: "not carried out: the replies before it are larger than 8 MiB"}

// batch serves POST /api/batch: commands one after the other, each with a reply of its own. That one fails does not keep those behind it
// from being carried out.
func (h *handler) batch(commands http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.post(func(w http.ResponseWriter, body []byte) {
			list, err := batchCommands(body)
			if err != nil {
				fail(w, http.StatusBadRequest, err)
				return
			}
			r = withPatience(r)
			answer, end := []byte(`{"replies":[`), time.Now().Add(handleTimeout)
			for i, c := range list {
				if i > 0 {
					answer = append(answer, ',')
				}
				switch {
				case len(answer) > maxBatchReplyBytes:
					answer = appendReply(answer, http.StatusRequestEntityTooLarge, native.AppendError(nil, nil, "", errBatchFull))
				case !time.Now().Before(end): // an engine that is dead is not waited for once for each of them
					answer = appendReply(answer, http.StatusServiceUnavailable, native.AppendError(nil, nil, "", errBatchLate))
				default:
					answer = c.carryOut(answer, commands, r)
				}
			}
			reply(w, http.StatusOK, append(answer, "]}"...))
		}).ServeHTTP(w, r)
	})
}

// batchCommand is one command of a batch.
type batchCommand struct {
	method string
	params []byte // an object
}

// batchCommands takes {"commands":[{"method":"publish","params":{…}},…]} apart. A batch with a mistake in its form is refused as a whole.
func batchCommands(body []byte) (list []batchCommand, err *native.Error) {
	var value []byte
	for key, v := range jsonobject.Members(body) {
		if string(key) == "commands" {
			value = v
		}
	}
	elements, ok := jsonobject.Elements(value)
	if !ok {
		return nil, &native.Error{Code: native.CodeBadRequest, Message: "commands must be an array of objects"}
	}
	for element := range elements {
		c, err := parseBatchCommand(element)
		if err != nil {
			return nil, err
		}
		if len(list) == maxBatch {
			return nil, &native.Error{Code: native.CodeLimit, Message: "more than 1,000 commands"}
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, &native.Error{Code: native.CodeBadRequest, Message: "commands is empty"}
	}
	return list, nil
}

func parseBatchCommand(element []byte) (c batchCommand, err *native.Error) {
	var method []byte
	if jsonobject.Check(element) == nil {
		for key, value := range jsonobject.Members(element) {
			switch string(key) {
			case "method":
				method = value
			case "params":
				c.params = value
			}
		}
	}
	name, ok := jsonobject.String(method)
	if !ok || jsonobject.Check(c.params) != nil {
		return c, &native.Error{Code: native.CodeBadRequest, Message: "a command is an object with method, a string, and params, an object"}
	}
	if name == "batch" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" {
		return c, &native.Error{Code: native.CodeBadRequest, Message: "method must be the last word of a path below /api/, and not batch"}
	}
	c.method = name
	return c, nil
}

// carryOut has the command served, as a request of its own with the key of the batch, and appends the reply.
func (c *batchCommand) carryOut(dst []byte, commands http.Handler, batch *http.Request) []byte {
	r := batch.Clone(batch.Context())
	r.URL.Path, r.URL.RawPath = "/api/"+c.method, ""
	if c.method == "info" {
		r.Method = http.MethodGet
	}
	r.Body = io.NopCloser(bytes.NewReader(c.params))
	answer := &kept{header: make(http.Header), status: http.StatusOK}
	commands.ServeHTTP(answer, r)
	return appendReply(dst, answer.status, bytes.TrimSpace(answer.body.Bytes()))
}

func appendReply(dst []byte, status int, body []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"status":`...), int64(status), 10)
	return append(append(append(dst, `,"reply":`...), body...), '}')
}

// kept is an answer that goes into another.
type kept struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }
