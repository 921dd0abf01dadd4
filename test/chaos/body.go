package main

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
)

// body is the data of a publication.
type body struct {
	Channel string `json:"channel"`
	Number  uint64 `json:"number"`
	Filling string `json:"filling"`
	Sum     uint32 `json:"sum"`
}

// newBody is the body of a publication of about 150 bytes. What fills it depends on the number, so that no two are alike.
func newBody(channel string, number uint64) body {
	b := body{Channel: channel, Number: number, Filling: strings.Repeat(fmt.Sprintf("%08x", uint32(number)*2654435761), 8)}
	b.Sum = b.sum()
	return b
}

func (b *body) sum() uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%s %d %s", b.Channel, b.Number, b.Filling))
}

// readBody takes the data of a message apart, and says what is wrong with it: "" for nothing.
func readBody(channel string, data json.RawMessage) (b body, wrong string) {
	switch err := json.Unmarshal(data, &b); {
	case err != nil:
		return b, err.Error()
	case b.Sum != b.sum():
		return b, fmt.Sprintf("the sum %d, want %d", b.Sum, b.sum())
	case b.Channel != channel:
		return b, "the body of a publication in " + b.Channel
	}
	return b, ""
}
