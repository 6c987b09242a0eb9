package syntax

// Flow control and limits, the blocks within a recipe block, and output, which says what a recipe gives back to its caller.

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
)

// strangeControl reports a block that a recipe block can't hold.
func (w *walker) strangeControl(block *hclsyntax.Block) {
	fix := diag.Suggest(block.Type, controlBlocks())
	switch block.Type {
	case "limit", "concurrent", "parallelism":
		fix = "concurrency"
	case "dedupe", "dedup", "idempotency", "unique":
		fix = "deduplicate"
	case "budget", "quota", "spending", "max":
		fix = limitsBlock
	}
	if fix == "" {
		w.strangeInner(block, "A recipe block", slices.Concat(recipeArgs(), controlBlocks()))
		return
	}
	w.unexpected(diag.UnexpectedBlock, block.TypeRange, fmt.Sprintf("There is no block %q in a recipe block. Did you mean %q?", block.Type, fix), fix)
}

// control reads a block of flow control, or limits; before are those that stand above it.
func (w *walker) control(block *hclsyntax.Block, before []*Control) *Control {
	what := "A block of flow control"
	if block.Type == limitsBlock {
		what = "A limits block"
	}
	w.labels(block, 0, 0, what+" has no label.")
	for _, c := range before {
		if c.Word == block.Type {
			w.report(diag.DuplicateBlock, block.DefRange(), "A recipe has one %s block at most; the first is on line %d.", block.Type, c.Range.Start.Line)
			return nil
		}
	}
	all, needed := controlArgs(block.Type)
	where := "A " + block.Type + " block"
	c := &Control{Word: block.Type, Range: block.DefRange()}
	meant := map[string]bool{}
	for _, attr := range sortedAttrs(block.Body) {
		if !slices.Contains(all, attr.Name) {
			meant[w.strangeArg(attr, where, all)] = true
			continue
		}
		c.Args = append(c.Args, arg(attr))
	}
	for _, inner := range block.Body.Blocks {
		meant[inner.Type] = true
		w.strangeInner(inner, where, all)
	}
	var missing, example []string
	for _, name := range needed {
		if c.Arg(name) == nil && !meant[name] {
			missing, example = append(missing, fmt.Sprintf("%q", name)), append(example, controlExample(block.Type, name))
		}
	}
	if len(missing) > 0 {
		w.report(diag.MissingArg, block.DefRange(), "%s needs %s, for example: %s.", where, list(missing), list(example))
	}
	if block.Type == limitsBlock && len(c.Args) == 0 && len(meant) == 0 {
		w.report(diag.MissingArg, block.DefRange(), "A limits block limits something: max_per_hour = 20 (calls), or max_amount = 50000 (in the currency's smallest unit), or both.")
	}
	return c
}

func controlExample(word, name string) string {
	switch {
	case name == "key":
		return "key = trigger.id"
	case name == "for":
		return `for = "24h"`
	case name == "period" && word == "debounce":
		return `period = "10m"`
	case name == "period":
		return `period = "1m"`
	}
	return "limit = 1"
}

// output reads an output block; first is the one that was there before, or nil.
func (w *walker) output(block *hclsyntax.Block, first *Output) *Output {
	w.labels(block, 0, 0, "An output block has no label: what stands in it has names.")
	if first != nil {
		w.report(diag.DuplicateBlock, block.DefRange(), "A file has one output block at most; the first is on line %d.", first.Range.Start.Line)
		return first
	}
	out := &Output{Range: block.DefRange()}
	for _, attr := range sortedAttrs(block.Body) {
		out.Args = append(out.Args, arg(attr))
	}
	for _, inner := range block.Body.Blocks {
		w.strangeInner(inner, "An output block", nil)
	}
	return out
}
