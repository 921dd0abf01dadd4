package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"testing"
)

const example = `package example

const Limit int = 3
const hidden = 4

var Gone error

func Of[T any](name string, more ...T) (n int, err error) { return }

type Number = int
type Kind uint8

func (k Kind) String() string { return "" }

type Maker interface {
	Make(size int) []byte
	own()
}

type Base struct{}
type Pair struct {
	*Base
	Left, right int
	Call        func(k Kind)
}

func (p *Pair) Swap()  {}
func (p *Pair) rotate() {}
`

func TestSurface(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "example.go", example, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("example", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"const Limit int = 3",
		"func Of[T any](string, ...T) (int, error)",
		"method (*Pair) Swap()",
		"method (Kind) String() string",
		"type Base struct",
		"type Kind uint8",
		"type Maker interface",
		"type Maker interface, Make(int) []byte",
		"type Maker interface, own()", // nobody else can implement it
		"type Number = int",
		"type Pair struct",
		"type Pair struct, Call func(k Kind)",
		"type Pair struct, Left int",
		"type Pair struct, embedded *Base",
		"var Gone error",
	}
	if got := surface(pkg); !slices.Equal(got, want) {
		t.Errorf("differences:\n%s", difference(want, got))
	}
}
