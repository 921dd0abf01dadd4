package client

import "encoding/json"

// Message is a publication.
type Message struct {
	Channel  string          `json:"channel"`
	Data     json.RawMessage `json:"data"`
	Offset   uint64          `json:"offset"`
	Client   string          `json:"client,omitempty"`   // who published it, if a client did
	User     string          `json:"user,omitempty"`     // that client's, where it is told
	Encoding string          `json:"encoding,omitempty"` // base64: data is a string that holds bytes
}

// incoming is what the server may say; each type uses some of it.
type incoming struct {
	Type string
	ID   int // ours are whole numbers, from 1
	Message

	Epoch        string
	Recovered    *bool
	Publications []Message
	After        uint64
	Before       uint64
	Refill       bool
	Reason       string
	Code         json.RawMessage // a word, or a close code
	Text         string          `json:"message"`
	RetryAfterMS int64           `json:"retry_after_ms"`
	Ping         int
	ExpiresIn    int64 `json:"expires_in"`
}

// word is Code where it is a word.
func (m *incoming) word() (s string) {
	_ = json.Unmarshal(m.Code, &s) // otherwise it stays empty
	return s
}

// command is what we say.
type command struct {
	Type    string    `json:"type"`
	ID      int       `json:"id"`
	Channel string    `json:"channel,omitempty"`
	Token   string    `json:"token,omitempty"`
	Limit   int       `json:"limit,omitempty"`
	Recover *Position `json:"recover,omitempty"`
	Since   *Position `json:"since,omitempty"`
}

// Position is a place in a channel: behind the publication with the offset.
type Position struct {
	Epoch  string `json:"epoch"`
	Offset uint64 `json:"offset"`
}
