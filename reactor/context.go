package reactor

// Context returns the conn's context as a T: the embedder's state of one conn, which Accept.Context or Conn.SetContext has put there. It is the zero T
// where there is none, and panics where it is of another type, which is a mistake in the program. On the conn's loop only.
//
// It is nothing to do with package context, nor with that of a request.
func Context[T any](c *Conn) T {
	state := c.Context()
	if state == nil {
		var none T
		return none
	}
	return state.(T)
}
