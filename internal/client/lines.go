package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const (
	// MaxLineBytes bounds a line: a request to the API has at most 1 MiB, and what stands around the data is small.
	MaxLineBytes = 1<<20 - 8<<10
	// maxBatch and batchBytes bound what goes into one batch; the API takes 1,000 commands, and 1 MiB.
	maxBatch   = 1000
	batchBytes = 512 << 10
	// maxCommandBytes is the longest command that fits into a request, which is a batch of it alone.
	maxCommandBytes = 1<<20 - len(`{"commands":[]}`)
)

// Line is what became of one line.
type Line struct {
	Number int    // from 1
	Reply  []byte // the API's answer; nil where Err says that it was refused
	Err    error
}

// Lines publishes each line of r, in their order, many in one request where they come faster than answers. params makes a publication's members of a
// line, or an error, with which nothing is sent for it; report is told of each line, in order. A line that is refused does
// not keep back those behind it; where the server does not answer, or refuses the request as a whole, that is the error, and what comes behind is not
// published. Lines without anything in them are passed over.
func (c *Client) Lines(ctx context.Context, r io.Reader, params func(number int, line []byte) (*Params, error), report func(Line)) error {
	reader := lineReader{buffer: bufio.NewReaderSize(r, MaxLineBytes)}
	for {
		batch, end := reader.gather()
		if len(batch) > 0 {
			if err := c.publishBatch(ctx, batch, params, report); err != nil {
				return err
			}
		}
		if errors.Is(end, io.EOF) {
			return nil
		}
		if end != nil {
			return end
		}
	}
}

// numbered is a line that was read.
type numbered struct {
	number int
	text   []byte
}

// lineReader reads lines, as many at once as are there.
type lineReader struct {
	buffer *bufio.Reader
	number int
}

// gather waits for a line and takes those that have come with it. It returns them, and the error that ends the reading behind them.
func (r *lineReader) gather() (batch []numbered, err error) {
	for size := 0; len(batch) < maxBatch && size < batchBytes; {
		if len(batch) > 0 {
			if ahead, _ := r.buffer.Peek(r.buffer.Buffered()); bytes.IndexByte(ahead, '\n') < 0 {
				return batch, nil
			}
		}
		line, err := r.buffer.ReadSlice('\n')
		r.number++
		if errors.Is(err, bufio.ErrBufferFull) {
			return batch, fmt.Errorf("line %d is longer than the %d bytes that the API takes; it and what is behind it was not published", r.number, MaxLineBytes)
		}
		if text := bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(text)) > 0 {
			batch = append(batch, numbered{r.number, bytes.Clone(text)})
			size += len(text)
		}
		if err != nil {
			return batch, err
		}
	}
	return batch, nil
}

// publishBatch publishes them, in one request unless they are too large for one, and reports what became of each; behind a request that failed, of none.
func (c *Client) publishBatch(ctx context.Context, batch []numbered, params func(int, []byte) (*Params, error), report func(Line)) error {
	for len(batch) > 0 {
		outcome, commands, sent := assemble(batch, params)
		if len(sent) > 0 {
			replies, err := c.batch(ctx, commands, len(sent))
			if err != nil {
				return fmt.Errorf("lines %d to %d: %w", batch[0].number, batch[len(batch)-1].number, err)
			}
			for i, at := range sent {
				outcome[at].Reply, outcome[at].Err = replies[i].judge()
			}
		}
		for _, l := range outcome {
			report(l)
		}
		batch = batch[len(outcome):]
	}
	return nil
}

// assemble makes the commands of one request of as many lines as fit, at least one. It returns what is known of those lines, and which of them are in the request.
func assemble(batch []numbered, params func(int, []byte) (*Params, error)) (outcome []Line, commands []byte, sent []int) {
	commands = []byte{'['}
	for i, l := range batch {
		p, err := params(l.number, l.text)
		if err != nil {
			outcome = append(outcome, Line{Number: l.number, Err: err})
			continue
		}
		command := new(Params).String("method", "publish").Raw("params", p.object()).object()
		if len(command) > maxCommandBytes {
			outcome = append(outcome, Line{Number: l.number, Err: errTooLong})
			continue
		}
		if len(sent) > 0 && len(commands)+len(command) > MaxLineBytes { // the last line is large, or there are many escapes
			break
		}
		if len(sent) > 0 {
			commands = append(commands, ',')
		}
		commands, sent = append(commands, command...), append(sent, i)
		outcome = append(outcome, Line{Number: l.number})
	}
	return outcome, append(commands, ']'), sent
}

// errTooLong is for a line that is short enough until its quotes are escaped. It must not stop those behind it, as a request that is refused does.
var errTooLong = errors.New("as JSON it is longer than the API takes")

// batchReply is one reply of a batch.
type batchReply struct {
	Status int
	Reply  json.RawMessage
}

// batch carries out n commands.
func (c *Client) batch(ctx context.Context, commands []byte, n int) ([]batchReply, error) {
	answer, err := c.Call(ctx, "batch", new(Params).Raw("commands", commands))
	if err != nil {
		return nil, err
	}
	var replies struct{ Replies []batchReply }
	if err := json.Unmarshal(answer, &replies); err != nil || len(replies.Replies) != n {
		return nil, errors.New("the server answers a batch of " + strconv.Itoa(n) + " commands with " + strconv.Itoa(len(replies.Replies)) + " replies")
	}
	return replies.Replies, nil
}

// judge tells a success from a refusal.
func (r *batchReply) judge() ([]byte, error) {
	if r.Status == http.StatusOK {
		return r.Reply, nil
	}
	e := &Error{Status: r.Status}
	if err := json.Unmarshal(r.Reply, e); err != nil || e.Code == "" {
		e.Code = "internal"
	}
	e.Status = r.Status
	return nil, e
}
