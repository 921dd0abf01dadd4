package api

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// surface lists what a package exports, a line for each name, field and method, sorted.
func surface(pkg *types.Package) []string {
	w := &writer{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		if obj := pkg.Scope().Lookup(name); obj.Exported() {
			w.object(obj)
		}
	}
	slices.Sort(w.lines)
	return w.lines
}

type writer struct {
	pkg   *types.Package
	lines []string
}

func (w *writer) add(format string, args ...any) {
	w.lines = append(w.lines, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
}

// typ writes a type as the package itself would, and those of others with their package's name.
func (w *writer) typ(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == w.pkg {
			return ""
		}
		return p.Name()
	})
}

// signature writes the types alone: a parameter may get another name.
func (w *writer) signature(sig *types.Signature) string {
	plain := types.NewSignatureType(nil, nil, nil, anonymous(sig.Params()), anonymous(sig.Results()), sig.Variadic())
	text := strings.TrimPrefix(w.typ(plain), "func")
	if sig.TypeParams().Len() == 0 {
		return text
	}
	var params []string
	for p := range sig.TypeParams().TypeParams() {
		params = append(params, p.Obj().Name()+" "+w.typ(p.Constraint()))
	}
	return "[" + strings.Join(params, ", ") + "]" + text
}

func anonymous(vars *types.Tuple) *types.Tuple {
	var plain []*types.Var
	for v := range vars.Variables() {
		plain = append(plain, types.NewVar(v.Pos(), v.Pkg(), "", v.Type()))
	}
	return types.NewTuple(plain...)
}

func (w *writer) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		w.add("const %s %s = %s", obj.Name(), w.typ(obj.Type()), obj.Val().ExactString())
	case *types.Var:
		w.add("var %s %s", obj.Name(), w.typ(obj.Type()))
	case *types.Func:
		w.add("func %s%s", obj.Name(), w.signature(obj.Signature()))
	case *types.TypeName:
		w.typeName(obj)
	}
}

func (w *writer) typeName(obj *types.TypeName) {
	if alias, ok := obj.Type().(*types.Alias); ok {
		w.add("type %s = %s", obj.Name(), w.typ(alias.Rhs()))
		return
	}
	named := obj.Type().(*types.Named)
	switch u := named.Underlying().(type) {
	case *types.Struct:
		w.add("type %s struct", obj.Name())
		for f := range u.Fields() {
			if f.Exported() {
				w.add("type %s struct, %s %s", obj.Name(), fieldName(f), w.typ(f.Type()))
			}
		}
	case *types.Interface:
		w.add("type %s interface", obj.Name())
		for m := range u.Methods() {
			w.add("type %s interface, %s%s", obj.Name(), m.Name(), w.signature(m.Signature()))
		}
	default:
		w.add("type %s %s", obj.Name(), w.typ(u))
	}
	for m := range named.Methods() {
		if m.Exported() {
			sig := m.Signature()
			w.add("method (%s) %s%s", w.typ(sig.Recv().Type()), m.Name(), w.signature(sig))
		}
	}
}

func fieldName(f *types.Var) string {
	if f.Embedded() {
		return "embedded"
	}
	return f.Name()
}
