package edit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/lang/syntax"
)

// test completes in a file of tests.
func (k *completion) test() {
	b := k.w.benchAt(k.name, k.text, &k.c)
	switch k.c.spot {
	case inBody:
		k.testBody(b)
	case inLabel:
		k.testLabel(b)
	case inKey:
		if t := b.within(); t != nil && t.Kind == schema.KindObject && t.Object != nil {
			k.fields(t.Object, k.keysGiven(), nil)
		}
	case inValue:
		k.testValue(b)
	}
}

// testBody completes arguments and blocks: of an event first those attributes that the recipe reads.
func (k *completion) testBody(b *bench) {
	place, blocks := b.place(), syntax.Inside(k.name, b.path()...).Blocks
	if o := b.shape(); o != nil {
		var reads *schema.Paths
		given := k.given()
		if b.recipe != nil && place == "event" {
			reads = b.recipe.Reads
		}
		if place == "test" { // what is an argument and a block is offered as a block
			for _, block := range blocks {
				given[block] = true
			}
			k.add(Item{Label: "event = file", Kind: Argument, Detail: "string", Doc: "An event from a file of the project.", Insert: `event = file("$0")`, Stop: true, Rank: 3})
		}
		k.fields(o, given, reads)
	}
	for _, block := range blocks {
		insert := block + " {\n  $0\n}"
		switch block {
		case "mock":
			insert = "mock action \"$0\" {\n}"
		case "test", "event", "each", "advance":
			insert = block + " \"$0\" {\n}"
		}
		k.add(Item{Label: block, Kind: Block, Detail: "block", Doc: syntax.TestDoc(place, block), Insert: insert, Stop: true, Rank: 4})
	}
}

// fields offers the fields of a shape that are not given yet, those that are read first.
func (k *completion) fields(o *schema.Object, given map[string]bool, reads *schema.Paths) {
	for _, f := range o.Fields() {
		if given[f.Name] {
			continue
		}
		rank, detail := 2, typeWords(f.Type, f.Nullable)
		if reads != nil && reads.Next[f.Name] != nil {
			rank, detail = 0, detail+", read by the recipe"
		}
		k.add(Item{Label: f.Name, Kind: Argument, Detail: detail, Doc: fieldDoc(&f), Insert: k.assignment(f.Name), Rank: rank})
	}
}

// keysGiven are the names that the object around the cursor has, apart from that under the cursor.
func (k *completion) keysGiven() map[string]bool {
	given := map[string]bool{}
	if len(k.c.inner) == 0 {
		return given
	}
	base := k.c.inner[len(k.c.inner)-1].at
	depth := 0
	tokens := lex(k.text[base:], k.name)
	for i, tok := range tokens {
		if depth == 0 && isIdent(tok) && i+1 < len(tokens) && base+tok.Range.Start.Byte != k.c.start &&
			(isEqual(tokens[i+1]) || tokens[i+1].Type == hclsyntax.TokenColon) {
			given[string(tok.Bytes)] = true
		}
		if depth += bracket(tok.Type); depth < 0 {
			break
		}
	}
	return given
}

// testLabel completes types of events, and names of steps.
func (k *completion) testLabel(b *bench) {
	nth := len(k.c.labels)
	if k.c.quoted {
		nth--
	}
	offer := func(i Item) {
		i.Insert = i.Label
		if !k.c.quoted {
			i.Insert = fmt.Sprintf("%q", i.Label)
		}
		k.add(i)
	}
	words := func(list ...string) {
		for _, word := range list {
			k.add(Item{Label: word, Kind: Block, Detail: "word"})
		}
	}
	switch {
	case k.c.block == "event" && nth == 0:
		names := k.w.cat.TriggerNames()
		if b.recipe != nil {
			names = nil
			for _, t := range b.listeners() {
				if t.Spec != nil && !slices.Contains(names, t.Spec.Name) {
					names = append(names, t.Spec.Name)
				}
			}
		}
		for _, n := range names {
			if t := k.w.cat.Trigger(n); t != nil {
				offer(Item{Label: n, Kind: TypeName, Detail: t.Doc, Doc: triggerDoc(t)})
			}
		}
	case k.c.block == "mock" && nth == 0:
		words("action")
	case k.c.block == "expect" && nth == 0:
		words("action", "state", "wait")
	case nth == 1 && b.recipe != nil && (k.c.block == "mock" || k.c.block == "expect"):
		kind := check.Action
		switch k.c.labels[0] {
		case "wait":
			kind = check.Wait
		case "action":
		default:
			return
		}
		for _, name := range suite.Steps(b.recipe, kind) {
			detail := ""
			if n := suite.Step(b.recipe, kind, name); n.Action != nil {
				detail = n.Action.Name
			}
			offer(Item{Label: name, Kind: NameOf, Detail: detail})
		}
	}
}

// testValue completes values: those that the place can have, then functions.
func (k *completion) testValue(b *bench) {
	t := b.within()
	if k.c.quoted {
		if t != nil && !k.c.has {
			for _, v := range t.Enum {
				k.add(Item{Label: v, Kind: Value, Detail: "value", Insert: v})
			}
		}
		return
	}
	if k.c.member {
		return
	}
	if t != nil {
		for _, v := range t.Enum {
			k.add(Item{Label: fmt.Sprintf("%q", v), Kind: Value, Detail: "value"})
		}
		if t.Kind == schema.KindBool {
			k.add(Item{Label: "true", Kind: Value, Detail: "value", Rank: 1})
			k.add(Item{Label: "false", Kind: Value, Detail: "value", Rank: 1})
		}
	}
	k.add(Item{Label: "null", Kind: Value, Detail: "value", Rank: 4})
	rank := 3
	if k.c.attr == "event" {
		rank = 1
	}
	k.add(Item{Label: "file", Kind: Function, Detail: "file(path string)", Doc: "The text of a file of the project, such as a fixture.", Insert: `file("$0")`, Stop: true, Rank: rank})
	for _, f := range k.w.funcs {
		insert := f.Name + "($0)"
		if strings.HasPrefix(line(k.text[k.c.end:]), "(") {
			insert = f.Name
		}
		k.add(Item{Label: f.Name, Kind: Function, Detail: signature(f), Doc: funcDoc(f), Insert: insert, Stop: insert != f.Name, Rank: 3})
	}
}

// hoverTest says what is known of a word in a file of tests.
func (w *Workspace) hoverTest(name string, text []byte, c *cursor, word string) string {
	b := w.benchAt(name, text, c)
	switch c.spot {
	case inBody:
		if o := b.shape(); o != nil {
			if f := o.Field(word); f != nil {
				return testHover(f)
			}
		}
		if doc := syntax.TestDoc(b.place(), word); doc != "" {
			return paragraphs(code(word), doc)
		}
	case inLabel:
		return b.hoverLabel(word)
	case inKey:
		if t := b.within(); t != nil && t.Kind == schema.KindObject && t.Object != nil {
			if f := t.Object.Field(word); f != nil {
				return testHover(f)
			}
		}
	case inValue:
		if !c.quoted && strings.HasPrefix(line(text[c.end:]), "(") {
			for _, f := range w.funcs {
				if f.Name == word {
					return paragraphs(code(signature(f)), funcDoc(f))
				}
			}
		}
	}
	return ""
}

// testHover is fieldHover where nothing must be given.
func testHover(f *schema.Field) string {
	free := *f
	free.Required = false
	return fieldHover(&free)
}

func (b *bench) hoverLabel(word string) string {
	nth := len(b.c.labels)
	if b.c.quoted {
		nth--
	}
	switch {
	case b.c.block == "event" && nth == 0:
		if t := b.w.cat.Trigger(word); t != nil {
			return paragraphs(code(fmt.Sprintf("event %q", word)), triggerDoc(t))
		}
	case nth == 1 && b.recipe != nil && b.c.labels[0] == "action" && (b.c.block == "mock" || b.c.block == "expect"):
		if n := suite.Step(b.recipe, check.Action, word); n != nil && n.Action != nil {
			return paragraphs(code(fmt.Sprintf("action %q %q", n.Action.Name, n.Name)), actionDoc(n.Action))
		}
	}
	return ""
}
