package loadtest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A template is a text of a Protocol with variables in it, compiled: pieces of text, each with the variable behind it.
type template struct {
	pieces []piece
	as     escaping
}

type piece struct {
	text     string
	variable variable // variableNone for the last piece
}

type variable string

const (
	variableNone    variable = ""
	variableChannel variable = "channel"
	variablePayload variable = "payload"
	variableConn    variable = "conn"
	variableID      variable = "id"
	variableEpoch   variable = "epoch"
	variableOffset  variable = "offset"
	variableTicket  variable = "ticket"
)

// escaping is how a channel's name, or an epoch, is put in. The other variables have no character that any of them would change.
type escaping uint8

const (
	// escapeJSON is for messages and bodies: as it stands between the quotes of a JSON string, which for the usual names
	// changes nothing.
	escapeJSON escaping = iota
	escapeURL
	escapeNothing // where values are compared after JSON has been read
)

// values are what the variables of a template stand for. It borrows payload.
type values struct {
	channel string
	conn    int
	id      uint64
	payload []byte
	epoch   string // with offset, the position to recover from
	offset  uint64
	ticket  string
}

// compileTemplate reads a text. A variable that is not among the known ones is an error.
func compileTemplate(text string, as escaping, known ...variable) (template, error) {
	t := template{as: as}
	for {
		before, rest, found := strings.Cut(text, "{{")
		if !found {
			t.pieces = append(t.pieces, piece{text: text})
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return t, errors.New(`"{{" without "}}"`)
		}
		v := variable(strings.TrimSpace(name))
		if !slices.Contains(known, v) {
			return t, fmt.Errorf("unknown variable {{%s}}; here there are %s", v, listVariables(known))
		}
		t.pieces = append(t.pieces, piece{before, v})
		text = after
	}
}

func listVariables(known []variable) string {
	names := make([]string, len(known))
	for i, v := range known {
		names[i] = "{{" + string(v) + "}}"
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// uses says whether the variable is in the template.
func (t *template) uses(v variable) bool {
	return slices.ContainsFunc(t.pieces, func(p piece) bool { return p.variable == v })
}

// fixed says whether there is no variable in it.
func (t *template) fixed() bool { return len(t.pieces) == 1 }

// only says whether it is nothing but the variable.
func (t *template) only(v variable) bool {
	return len(t.pieces) == 2 && t.pieces[0] == piece{variable: v} && t.pieces[1] == piece{}
}

// append writes the text with the variables' values.
func (t *template) append(dst []byte, v *values) []byte {
	for i := range t.pieces {
		dst = append(dst, t.pieces[i].text...)
		switch t.pieces[i].variable {
		case variableChannel:
			dst = t.appendName(dst, v.channel)
		case variablePayload:
			dst = append(dst, v.payload...)
		case variableConn:
			dst = strconv.AppendInt(dst, int64(v.conn), 10)
		case variableID:
			dst = strconv.AppendUint(dst, v.id, 10)
		case variableEpoch:
			dst = t.appendName(dst, v.epoch)
		case variableOffset:
			dst = strconv.AppendUint(dst, v.offset, 10)
		case variableTicket:
			dst = t.appendName(dst, v.ticket)
		}
	}
	return dst
}

func (t *template) appendName(dst []byte, name string) []byte {
	switch t.as {
	case escapeJSON:
		quoted := jsonString(name)
		return append(dst, quoted[1:len(quoted)-1]...)
	case escapeURL:
		return append(dst, strings.ReplaceAll(url.QueryEscape(name), "+", "%20")...)
	default:
		return append(dst, name...)
	}
}
