package webhook

import "context"

// send makes one attempt, which is traced where that is wanted, and returns the answer's body.
func (c *Client) send(ctx context.Context, s *sender, e Event, id string, body []byte) ([]byte, *failure) {
	if c.config.Trace == nil {
		return s.post(ctx, id, "", body)
	}
	traceparent, end := c.config.Trace(e.String())
	answer, f := s.post(ctx, id, traceparent, body)
	if f != nil {
		end(f.reason)
	} else {
		end("")
	}
	return answer, f
}
