package client

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// publishLines publishes to news, and returns what became of each line.
func publishLines(t *testing.T, c *Client, r io.Reader) (told []string, err error) {
	err = c.Lines(t.Context(), r, func(_ int, line []byte) (*Params, error) {
		if string(line) == "never" {
			return nil, errors.New("not sent")
		}
		data, err := Data(line, false)
		return new(Params).String("channel", strings.Repeat("news", 1+strings.Count(string(line), "!"))+strings.Repeat(" ", strings.Count(string(line), "?"))).Raw("data", data), err
	}, func(l Line) {
		text := fmt.Sprint(l.Number, " ok")
		if l.Err != nil {
			text = fmt.Sprint(l.Number, " ", l.Err)
		}
		told = append(told, text)
	})
	return told, err
}

// Each line is published in its place, whatever becomes of others, and however the bytes come.
func TestLinesArePublishedInOrder(t *testing.T) {
	cfg := edgeConfig("127.0.0.1:0")
	cfg.Namespaces.Default.HistorySize = 5000
	const text = "a\r\n\n{\"x\":1}\nnever\nb?\n \nlast"
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)), "with the end": iotest.DataErrReader(strings.NewReader(text))} {
		addr, _ := serveEdge(t, cfg)
		c := dial(t, "http://"+addr)
		told, err := publishLines(t, c, r)
		if got := strings.Join(told, "|"); err != nil || !strings.HasPrefix(got, "1 ok|3 ok|4 not sent|5 bad_channel: ") || !strings.HasSuffix(got, "(HTTP 400)|7 ok") {
			t.Errorf("%s: %s %v", name, got, err)
		}
		answer, err := c.Call(t.Context(), "history", new(Params).String("channel", "news"))
		if err != nil || !strings.Contains(string(answer), `[{"data":"a","offset":1},{"data":{"x":1},"offset":2},{"data":"last","offset":3}]`) {
			t.Errorf("%s: %s %v", name, answer, err)
		}
	}
}

// More than goes into one request, by number and by size.
func TestManyLines(t *testing.T) {
	cfg := edgeConfig("127.0.0.1:0")
	cfg.Namespaces.Default.HistorySize = 5000
	addr, _ := serveEdge(t, cfg)
	c := dial(t, "http://"+addr)
	large := strings.Repeat("x", 600<<10)
	quotes := strings.Repeat(`"`, 500<<10) // twice as long as JSON
	for _, row := range []struct {
		text string
		want int
	}{{strings.Repeat("1\n", 2500), 2500}, {large + "\n" + large + "\n1\n" + quotes + "\n2\n", 5}} {
		told, err := publishLines(t, c, strings.NewReader(row.text))
		if err != nil || len(told) != row.want || strings.Count(strings.Join(told, "|"), " ok") != row.want {
			t.Errorf("%d lines, %v", len(told), err)
		}
	}
	told, err := publishLines(t, c, strings.NewReader("1\n"+strings.Repeat(`"`, 600<<10)+"\n2\n")) // too long as JSON only
	if got := strings.Join(told, "|"); err != nil || got != "1 ok|2 as JSON it is longer than the API takes|3 ok" {
		t.Errorf("%s %v", got, err)
	}
	told, err = publishLines(t, c, strings.NewReader("1\n"+strings.Repeat("x", MaxLineBytes)+"\n2\n"))
	if len(told) != 1 || err == nil || !strings.HasPrefix(err.Error(), "line 2 is longer than") {
		t.Errorf("%q %v", told, err)
	}
	wrong := errors.New("torn")
	if told, err := publishLines(t, c, io.MultiReader(strings.NewReader("1\n"), iotest.ErrReader(wrong))); !errors.Is(err, wrong) || len(told) != 1 {
		t.Errorf("%q %v", told, err)
	}
}

func TestLinesOfAServerThatIsGone(t *testing.T) {
	addr, stop := serveEdge(t, edgeConfig("127.0.0.1:0"))
	stop()
	told, err := publishLines(t, dial(t, "http://"+addr), strings.NewReader("a\nb\n"))
	if len(told) != 0 || err == nil || !strings.HasPrefix(err.Error(), "lines 1 to 2: no connection to ") {
		t.Errorf("%q %v", told, err)
	}
	for _, body := range []string{`{"replies":[]}`, `{"replies":7}`} {
		if _, err := publishLines(t, answering(t, 200, nil, body), strings.NewReader("a")); err == nil || !strings.Contains(err.Error(), "with 0 replies") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
