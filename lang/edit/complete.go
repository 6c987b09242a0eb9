package edit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Kind is what a completion or a symbol is. The zero Kind is invalid.
type Kind uint8

const (
	_         Kind = iota
	Block          // of the language
	Argument       // of a block
	TypeName       // of a trigger, an action or a service
	Attribute      // of a value
	NameOf         // of a step, a local, a variable, a connection, or a root such as trigger
	Value          // a text, true, false or null
	Function
)

// Item is one way to go on at the cursor.
type Item struct {
	Label  string
	Kind   Kind
	Detail string // in one line, such as the type
	Doc    string // Markdown; may be empty
	Insert string // takes the place of the text from Start to End
	Stop   bool   // Insert ends with a place for the cursor to go: "name {\n  $0\n}"
	Rank   int    // the lower, the earlier

	Start, End int // bytes of the text
}

// completion collects items for one place.
type completion struct {
	w     *Workspace
	name  string
	text  []byte
	at    int
	c     cursor
	items []Item
}

// Complete returns the ways to go on at a byte of a file, those first that fit best. It never fails: where nothing is
// known there is nothing.
func (w *Workspace) Complete(name string, at int) []Item {
	f := w.files[name]
	if f == nil || at < 0 || at > len(f.text) || f.unsafe() {
		return nil
	}
	k := &completion{w: w, name: name, text: f.text, at: at, c: findCursor(name, f.text, at)}
	switch {
	case syntax.IsTest(name):
		k.test()
	case k.c.spot == inBody:
		k.body()
	case k.c.spot == inLabel:
		k.label()
	case k.c.spot == inKey:
		k.key()
	case k.c.spot == inValue:
		k.value()
	}
	slices.SortStableFunc(k.items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Label, b.Label))
	})
	return k.items
}

func (k *completion) add(i Item) {
	i.Start, i.End = k.c.start, k.c.end
	if i.Insert == "" {
		i.Insert = i.Label
	}
	k.items = append(k.items, i)
}

// body completes arguments and blocks.
func (k *completion) body() {
	path := k.c.path()
	words := syntax.Inside(k.name, path...)
	place := ""
	if len(path) > 0 {
		place = path[len(path)-1]
	}
	given := k.given()
	if words.Typed {
		k.typed(given)
	}
	for _, arg := range words.Args {
		if !given[arg] {
			k.add(Item{Label: arg, Kind: Argument, Detail: "argument", Doc: syntax.Doc(place, arg), Insert: k.assignment(arg), Rank: 3})
		}
	}
	for _, block := range words.Blocks {
		labels := syntax.LabelsOf(block)
		insert := block
		stop := true
		if labels.Least == 0 {
			insert += " {\n  $0\n}"
		} else {
			insert += ` "$0" {` + "\n}"
		}
		k.add(Item{Label: block, Kind: Block, Detail: "block", Doc: syntax.Doc("", block), Insert: insert, Stop: stop, Rank: 4})
	}
}

// assignment writes the beginning of an argument, without an equals sign where there is one already.
func (k *completion) assignment(arg string) string {
	rest := strings.TrimLeft(string(k.text[k.c.end:min(len(k.text), k.c.end+40)]), " \t")
	if strings.HasPrefix(rest, "=") {
		return arg
	}
	return arg + " = "
}

// given are the arguments that the block around the cursor has, apart from that under the cursor.
func (k *completion) given() map[string]bool {
	given := map[string]bool{}
	if len(k.c.blocks) == 0 {
		return given
	}
	depth := 0
	fresh := true
	tokens := lex(k.text[k.c.blocks[len(k.c.blocks)-1].at:], k.name)
	base := k.c.blocks[len(k.c.blocks)-1].at
	for i, tok := range tokens {
		if depth == 0 && fresh && isIdent(tok) && i+1 < len(tokens) && isEqual(tokens[i+1]) && base+tok.Range.Start.Byte != k.c.start {
			given[string(tok.Bytes)] = true
		}
		fresh = endsLine(tok)
		if depth += bracket(tok.Type); depth < 0 {
			break
		}
	}
	return given
}

// typed completes what the type of the block takes: required arguments first.
func (k *completion) typed(given map[string]bool) {
	block := k.c.blocks[len(k.c.blocks)-1]
	o := k.w.inputs(block)
	if o == nil {
		return
	}
	for _, f := range o.Fields() {
		if given[f.Name] {
			continue
		}
		rank, detail := 2, typeWords(f.Type, f.Nullable)
		switch {
		case f.Required && !f.Nullable && f.Default == "":
			rank, detail = 0, detail+", required"
		default:
			for _, group := range o.OneOf {
				if slices.Contains(group, f.Name) {
					rank, detail = 1, detail+", one of "+strings.Join(group, ", ")
					if slices.ContainsFunc(group, func(n string) bool { return given[n] }) {
						rank = 5
					}
				}
			}
		}
		k.add(Item{Label: f.Name, Kind: Argument, Detail: detail, Doc: fieldDoc(&f), Insert: k.assignment(f.Name), Rank: rank})
	}
}

// inputs are the arguments that the type of a block takes; nil where there is none.
func (w *Workspace) inputs(block frame) *schema.Object {
	if len(block.labels) == 0 {
		return nil
	}
	switch syntax.LabelsOf(block.block).Type {
	case "trigger":
		if t := w.cat.Trigger(block.labels[0]); t != nil {
			return t.Settings
		}
	case "action":
		if a := w.cat.Action(block.labels[0]); a != nil {
			return a.In
		}
	case "service":
		if s := w.cat.Service(block.labels[0]); s != nil {
			return s.Settings
		}
	}
	return nil
}

// label completes types, and the values of cases.
func (k *completion) label() {
	nth := len(k.c.labels)
	if k.c.quoted {
		nth--
	}
	if k.c.block == "case" {
		k.cases()
		return
	}
	if nth != 0 {
		return
	}
	insert := func(s string) string {
		if k.c.quoted {
			return s
		}
		return `"` + s + `"`
	}
	switch syntax.LabelsOf(k.c.block).Type {
	case "trigger":
		for _, n := range k.w.cat.TriggerNames() {
			t := k.w.cat.Trigger(n)
			k.add(Item{Label: n, Kind: TypeName, Detail: t.Doc, Insert: insert(n), Doc: triggerDoc(t)})
		}
	case "action":
		for _, n := range k.w.cat.ActionNames() {
			a := k.w.cat.Action(n)
			k.add(Item{Label: n, Kind: TypeName, Detail: a.Doc, Insert: insert(n), Doc: actionDoc(a)})
		}
	case "service":
		for _, n := range k.w.cat.ServiceNames() {
			s := k.w.cat.Service(n)
			k.add(Item{Label: n, Kind: TypeName, Detail: s.Doc, Insert: insert(n)})
		}
	}
}

// cases completes the labels of a case with the values that the switch can be on.
func (k *completion) cases() {
	insert, start, end := `"`+placeholder+`"`, k.c.start, k.c.end
	if k.c.quoted {
		start--
		if end < len(k.text) && k.text[end] == '"' {
			end++
		}
	}
	if !strings.Contains(line(k.text[end:]), "{") {
		insert += " {}"
	}
	place := k.w.probe(k.name, k.text, hole{start: start, end: end, insert: insert}, start+1)
	for _, v := range place.Allowed() {
		item := Item{Label: v, Kind: Value, Detail: "case", Insert: v}
		if !k.c.quoted {
			item.Insert = fmt.Sprintf("%q", v)
		}
		if !slices.Contains(k.c.labels, v) {
			k.add(item)
		}
	}
}

func line(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\n")
	return s
}

// key completes the names in an object that is written out.
func (k *completion) key() {
	insert := placeholder + " = null"
	if rest := strings.TrimLeft(line(k.text[k.c.end:]), " \t"); strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, ":") {
		insert = placeholder
	}
	place := k.w.probe(k.name, k.text, k.c.hole(insert), k.c.start)
	want, obj := place.WantedAround()
	if want.Kind != schema.KindObject || want.Object == nil || obj == nil {
		return
	}
	given := keysOf(obj)
	for _, f := range want.Object.Fields() {
		if given[f.Name] {
			continue
		}
		rank, detail := 1, typeWords(f.Type, f.Nullable)
		if f.Required && !f.Nullable && f.Default == "" {
			rank, detail = 0, detail+", required"
		}
		k.add(Item{Label: f.Name, Kind: Argument, Detail: detail, Doc: fieldDoc(&f), Insert: k.assignment(f.Name), Rank: rank})
	}
}

// WithoutStop returns what an item with a stop inserts where the editor knows no stops.
func WithoutStop(insert string) string { return strings.Replace(insert, "$0", "", 1) }
