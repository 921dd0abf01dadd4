package reactor

import "testing"

type state struct{ messages int }

func TestContextOfAType(t *testing.T) {
	s := serve(t, Config{Handler: Funcs{
		Open: func(c *Conn) {
			if Context[*state](c) != nil || Context[string](c) != "" {
				t.Error("something where there is nothing")
			}
			c.SetContext(&state{})
		},
		Message: func(c *Conn, op Opcode, payload []byte) {
			Context[*state](c).messages++
			if Context[*state](c).messages == 2 {
				_ = c.Send(op, payload)
				_ = Context[string](c) // a mistake: the conn is closed, as for any panic
			}
		},
	}})
	c := dial(t, s, "/")
	c.text("1")
	c.text("2")
	c.wantText("2")
	c.wantClose(CloseInternalError, "internal")
}

// A handler of no functions takes what comes, and does nothing.
func TestFuncsWithoutFunctions(t *testing.T) {
	s := serve(t, Config{Handler: Funcs{}})
	c := dial(t, s, "/")
	c.text("thrown away")
	c.send(Binary, "so is this")
	c.send(0x8, "\x03\xe8")
	c.wantClose(CloseNormal, "")
	if n := s.Stats().MessagesIn; n != 2 {
		t.Errorf("%d messages counted", n)
	}
}
