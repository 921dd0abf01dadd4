package native

import "github.com/wsedge/wsedge/internal/jsonobject"

const (
	// defaultPage and maxPage are how many entries a page of a list has at most.
	defaultPage = 100
	maxPage     = 500
)

// Page says which part of a list is wanted.
type Page struct {
	Limit int    // at most so many entries, 1 to 500
	After string // behind this one; empty: from the beginning
}

// ParsePage reads the JSON values of limit and after; nil stands for none.
func ParsePage(limit, after []byte) (Page, *Error) {
	p := Page{Limit: defaultPage}
	if limit != nil {
		n, ok := jsonobject.Uint64(limit)
		if !ok || n < 1 || n > maxPage {
			return p, &Error{CodeBadRequest, "limit must be a whole number from 1 to 500"}
		}
		p.Limit = int(n)
	}
	if after != nil {
		var ok bool
		if p.After, ok = jsonobject.String(after); !ok {
			return p, &Error{CodeBadRequest, "after must be a string"}
		}
	}
	return p, nil
}

// parseBool reads the JSON value of a flag; nil stands for false.
func parseBool(value []byte, name string) (bool, *Error) {
	switch string(value) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, &Error{CodeBadRequest, name + " must be true or false"}
	}
}
