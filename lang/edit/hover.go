package edit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Hover is what is said of a word.
type Hover struct {
	Text       string // Markdown
	Start, End int    // of the word
}

// Hover says what is known of what stands at a byte of a file; nil where nothing is.
func (w *Workspace) Hover(name string, at int) *Hover {
	f := w.files[name]
	if f == nil || at < 0 || at > len(f.text) || f.unsafe() {
		return nil
	}
	c := findCursor(name, f.text, at)
	if c.start >= c.end {
		return nil
	}
	word := string(f.text[c.start:c.end])
	text := ""
	switch {
	case syntax.IsTest(name):
		text = w.hoverTest(name, f.text, &c, word)
	case c.spot == inBody:
		text = w.hoverBody(&c, word)
	case c.spot == inLabel:
		text = w.hoverLabel(&c, word)
	case c.spot == inKey:
		text = w.hoverKey(name, f.text, &c, word)
	case c.spot == inValue && !c.quoted:
		text = w.hoverValue(name, f.text, &c, word)
	}
	if text == "" {
		return nil
	}
	return &Hover{Text: text, Start: c.start, End: c.end}
}

func code(text string) string { return "```hcl\n" + text + "\n```" }

func (w *Workspace) hoverBody(c *cursor, word string) string {
	place := ""
	if n := len(c.blocks); n > 0 {
		block := c.blocks[n-1]
		place = block.block
		if block.block == "locals" {
			return ""
		}
		if o := w.inputs(block); o != nil {
			if f := o.Field(word); f != nil {
				return fieldHover(f)
			}
		}
	}
	doc := syntax.Doc(place, word)
	if doc == "" {
		return ""
	}
	return paragraphs(code(word), doc)
}

func fieldHover(f *schema.Field) string {
	kind := typeWords(f.Type, f.Nullable)
	if f.Required && !f.Nullable && f.Default == "" {
		kind += ", required"
	}
	return paragraphs(code(f.Name+": "+kind), fieldDoc(f))
}

func (w *Workspace) hoverLabel(c *cursor, word string) string {
	nth := len(c.labels)
	if c.quoted {
		nth--
	}
	if nth != 0 {
		return ""
	}
	switch syntax.LabelsOf(c.block).Type {
	case "trigger":
		if t := w.cat.Trigger(word); t != nil {
			return paragraphs(code(fmt.Sprintf("trigger %q", word)), triggerDoc(t))
		}
	case "action":
		if a := w.cat.Action(word); a != nil {
			return paragraphs(code(fmt.Sprintf("action %q", word)), actionDoc(a), inputWords(a.In))
		}
	case "service":
		if s := w.cat.Service(word); s != nil {
			return paragraphs(code(fmt.Sprintf("connection %q", word)), sentence(s.Doc), inputWords(s.Settings))
		}
	}
	return ""
}

// inputWords names what must be given.
func inputWords(o *schema.Object) string {
	if o == nil {
		return ""
	}
	var required []string
	for _, f := range o.Fields() {
		if f.Required && !f.Nullable && f.Default == "" {
			required = append(required, f.Name)
		}
	}
	parts := []string{list("Required", required)}
	for _, group := range o.OneOf {
		parts = append(parts, list("Exactly one of", group))
	}
	return paragraphs(parts...)
}

func (w *Workspace) hoverKey(name string, text []byte, c *cursor, word string) string {
	place := w.probe(name, text, c.hole(word), c.start)
	want, _ := place.WantedAround()
	if want.Kind == schema.KindObject && want.Object != nil {
		if f := want.Object.Field(word); f != nil {
			return fieldHover(f)
		}
	}
	return ""
}

func (w *Workspace) hoverValue(name string, text []byte, c *cursor, word string) string {
	if strings.HasPrefix(line(text[c.end:]), "(") && !c.member {
		for _, f := range w.funcs {
			if f.Name == word {
				return paragraphs(code(signature(f)), funcDoc(f))
			}
		}
		return ""
	}
	place := w.probe(name, text, c.hole(word), c.start)
	mended := place.text
	x, parent := partAt(place.Place, c.start)
	if x == nil {
		return ""
	}
	sights := place.Sights(x)
	if !slices.ContainsFunc(sights, func(s check.Sight) bool { return s.Known }) {
		return ""
	}
	head := ""
	if end := min(c.end, len(mended)); x.Range().Start.Byte < end && !strings.ContainsAny(string(mended[x.Range().Start.Byte:end]), "\r\n") {
		head = string(mended[x.Range().Start.Byte:end]) + ": "
	}
	parts := []string{code(head + sightWords(sights)), nullWords(sights)}
	if parent != nil {
		for _, s := range place.Sights(parent) {
			if s.Type.Kind != schema.KindObject || s.Type.Object == nil {
				continue
			}
			if f := s.Type.Object.Field(word); f != nil {
				if f.MayBeNull() && !slices.ContainsFunc(sights, func(s check.Sight) bool { return s.MayBeNull }) {
					parts = append(parts, "It may be null, and not here: what stands around it proves that.")
				}
				parts = append(parts, fieldDoc(f))
				break
			}
		}
	} else if len(sights) > 0 {
		parts = append(parts, enumWords(sights[0].Type))
	}
	return paragraphs(parts...)
}

// partAt returns the expression that ends with the word at a byte, and what the word is an attribute of, or nil.
func partAt(place *check.Place, at int) (x, parent hclsyntax.Expression) {
	for _, x := range place.Enclosing() {
		var steps hcl.Traversal
		first := 0
		switch x := x.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			steps, first = x.Traversal, 1
		case *hclsyntax.RelativeTraversalExpr:
			steps = x.Traversal
		}
		for i, step := range steps {
			if rng := step.SourceRange(); rng.Start.Byte > at || at >= rng.End.Byte {
				continue
			}
			if i < first || first == 1 && i == 1 && slices.Contains([]string{"action", "wait", "local", "var", "each"}, steps.RootName()) {
				return upTo(x, i+1), nil
			}
			return upTo(x, i+1), upTo(x, i)
		}
	}
	return nil, nil
}
