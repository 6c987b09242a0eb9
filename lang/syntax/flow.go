package syntax

// The blocks that hold steps or hold them back: wait, switch with its cases, on_error.

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
)

// step reads a block of a kind that stepBlocks lists; nil where nothing can be made of it.
func (w *walker) step(block *hclsyntax.Block) *Step {
	switch block.Type {
	case "action":
		return w.action(block)
	case "filter":
		return w.filter(block)
	case "switch":
		return w.choice(block)
	case "wait":
		return w.wait(block)
	}
	return nil
}

// steps reads the body of a block that holds steps and nothing else.
func (w *walker) steps(block *hclsyntax.Block, where string) []*Step {
	for _, attr := range sortedAttrs(block.Body) {
		if slices.Contains(stepBlocks(), attr.Name) {
			w.looseArg(attr, stepBlocks())
			continue
		}
		w.report(diag.UnexpectedArg, attr.NameRange, "%s has no argument %q: it holds steps, the blocks %s.", where, attr.Name, list(stepBlocks()))
	}
	var out []*Step
	for _, inner := range block.Body.Blocks {
		w.in(contextOf(inner, stepBlocks()), func() {
			switch {
			case slices.Contains(stepBlocks(), inner.Type):
				if s := w.step(inner); s != nil {
					out = append(out, s)
				}
			case slices.Contains(recipeBlocks(), inner.Type), slices.Contains(configBlocks(), inner.Type):
				w.report(diag.WrongPlace, inner.DefRange(), "%s holds steps only. Write the %s block outside of it.", where, inner.Type)
			case slices.Contains(switchBlocks(), inner.Type):
				w.report(diag.WrongPlace, inner.DefRange(), "A %s block stands in a switch itself: close the brace of the one above first.", inner.Type)
			default:
				w.strangeBlock(inner, stepBlocks(), where+" is made of the blocks "+list(stepBlocks())+".")
			}
		})
	}
	return out
}

// onError reads an on_error or an on_alert block; first is the one that was there before, or nil.
func (w *walker) onError(block *hclsyntax.Block, first *OnError) *OnError {
	where := "An " + block.Type + " block"
	w.labels(block, 0, 0, where+" has no label.")
	if first != nil {
		w.report(diag.DuplicateBlock, block.DefRange(), "A file has one %s block at most; the first is on line %d.", block.Type, first.Range.Start.Line)
		return first
	}
	return &OnError{Steps: w.steps(block, where), Range: block.DefRange()}
}

const oneWait = "A wait waits for one thing: for = \"72h\", until = a time, or event \"TRIGGER\" { … } with a timeout."

func (w *walker) wait(block *hclsyntax.Block) *Step {
	if !w.labels(block, 1, 1, "A wait has its name as a label: wait \"three_days\" { for = \"72h\" }.") {
		return nil
	}
	wait := &Wait{}
	s := &Step{Kind: WaitStep, Range: block.DefRange(), BodyRange: bodyRange(block), Wait: wait}
	s.Name, s.NameRange = w.name(block)
	things, mistaken := 0, false
	one := func() bool {
		things++
		return things == 1
	}
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "for", "until":
			if !one() {
				w.report(diag.UnexpectedArg, attr.NameRange, "There is something that is waited for already. %s", oneWait)
				continue
			}
			if attr.Name == "for" {
				wait.For = attr.Expr
			} else {
				wait.Until = attr.Expr
			}
		case "timeout":
			wait.Timeout = attr.Expr
		case "event":
			mistaken = true
			w.report(diag.UnexpectedArg, attr.NameRange, "\"event\" is a block: write event \"TRIGGER\" { … } without an equals sign.")
		default:
			mistaken = w.strangeArg(attr, "A wait", waitArgs()) != "" || mistaken
		}
	}
	for _, inner := range block.Body.Blocks {
		switch {
		case inner.Type != "event":
			if fix := diag.Suggest(inner.Type, []string{"event"}); fix != "" || synonym(inner.Type) == "trigger" {
				mistaken = true
				w.unexpected(diag.UnexpectedBlock, inner.TypeRange, fmt.Sprintf("There is no block %q in a wait. Did you mean \"event\"?", inner.Type), "event")
				continue
			}
			mistaken = true
			w.strangeInner(inner, "A wait", []string{"for", "timeout", "until"})
		case !one():
			w.report(diag.UnexpectedBlock, inner.DefRange(), "There is something that is waited for already. %s", oneWait)
		default:
			wait.Event = w.event(inner)
			mistaken = mistaken || wait.Event == nil
		}
	}
	switch {
	case things == 0 && !mistaken:
		w.report(diag.MissingArg, block.DefRange(), "%s", oneWait)
	case wait.Event != nil && wait.Timeout == nil:
		w.report(diag.MissingArg, wait.Event.Range, "An event may never come, so the wait needs a timeout beside the event block, for example: timeout = \"7d\".")
	case wait.Event == nil && wait.Timeout != nil && things == 1 && !mistaken:
		w.report(diag.UnexpectedArg, wait.Timeout.Range(), "A timeout belongs to a wait for an event; this one ends by itself.")
		wait.Timeout = nil
	}
	return s
}

// event reads the block in a wait that says which event is waited for.
func (w *walker) event(block *hclsyntax.Block) *WaitEvent {
	if !w.labels(block, 1, 1, "An event has the type of a trigger as its label: event \"stripe_invoice_paid\" { … }.") {
		return nil
	}
	e := &WaitEvent{Trigger: &Trigger{Type: block.Labels[0], TypeRange: block.LabelRanges[0], Name: block.Labels[0], Range: block.DefRange()}}
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "connection":
			e.Connection = attr.Expr
		case "match":
			e.Match = attr.Expr
		case "timeout":
			w.report(diag.UnexpectedArg, attr.NameRange, "The timeout is the wait's: write it beside the event block, not in it.")
		case "latest":
			w.report(diag.UnexpectedArg, attr.NameRange, "An event that is waited for is taken as it came. To read its object as it is then, look it up in a step below the wait.")
		default:
			e.Args = append(e.Args, arg(attr))
		}
	}
	for _, inner := range block.Body.Blocks {
		if inner.Type == "match" {
			w.strangeInner(inner, "An event", []string{"match"})
			continue
		}
		w.strangeInner(inner, "An event", nil)
	}
	return e
}

// choice reads a switch block.
func (w *walker) choice(block *hclsyntax.Block) *Step {
	w.labels(block, 0, 1, "A switch may have one label, which says in free text what it decides.")
	sw := &Switch{}
	s := &Step{Kind: SwitchStep, Range: block.DefRange(), BodyRange: bodyRange(block), Switch: sw}
	if len(block.Labels) > 0 {
		s.Label = block.Labels[0]
	}
	meant := ""
	for _, attr := range sortedAttrs(block.Body) {
		switch {
		case attr.Name == "on":
			sw.On = attr.Expr
		case slices.Contains(switchBlocks(), attr.Name):
			w.report(diag.UnexpectedArg, attr.NameRange, "%q is a block: write %s { … } without an equals sign.", attr.Name, attr.Name)
		default:
			meant += w.strangeArg(attr, "A switch", []string{"on"})
		}
	}
	var last *Case
	for _, inner := range block.Body.Blocks {
		w.in(contextOf(inner, switchBlocks()), func() {
			switch {
			case inner.Type == "case":
				if c := w.branch(inner); c != nil {
					sw.Cases = append(sw.Cases, c)
				}
			case inner.Type == "default" && last != nil:
				w.report(diag.DuplicateBlock, inner.DefRange(), "A switch has one default at most; the first is on line %d.", last.Range.Start.Line)
			case inner.Type == "default":
				w.labels(inner, 0, 0, "A default has no label: it is for all values that no case has.")
				last = &Case{Default: true, Range: inner.DefRange(), Steps: w.steps(inner, "A default")}
				sw.Cases = append(sw.Cases, last)
			case slices.Contains(stepBlocks(), inner.Type):
				w.report(diag.WrongPlace, inner.DefRange(), "A switch holds cases, and they hold the steps: case \"VALUE\" { … }.")
			default:
				w.strangeCase(inner)
			}
		})
	}
	if sw.On == nil {
		if meant == "" {
			w.report(diag.MissingArg, block.DefRange(), "A switch needs the value that decides, for example: on = trigger.status.")
		}
		sw.On = missing(block)
	}
	if len(sw.Cases) == 0 && len(block.Body.Blocks) == 0 {
		w.report(diag.MissingArg, block.DefRange(), "A switch needs cases: case \"VALUE\" { … }, and default { … } for all other values.")
	}
	return s
}

func (w *walker) branch(block *hclsyntax.Block) *Case {
	if !w.labels(block, 1, len(block.Labels), "A case has the values for which it is taken as labels: case \"failed\" \"canceled\" { … }.") {
		return nil
	}
	c := &Case{Range: block.DefRange(), Steps: w.steps(block, "A case")}
	for i, text := range block.Labels {
		c.Labels = append(c.Labels, Label{Text: text, Range: block.LabelRanges[i]})
	}
	return c
}

// strangeCase reports what a switch can't hold.
func (w *walker) strangeCase(block *hclsyntax.Block) {
	fix := diag.Suggest(block.Type, switchBlocks())
	switch block.Type {
	case "on":
		w.report(diag.UnexpectedBlock, block.TypeRange, "\"on\" is an argument: write on = … with an equals sign.")
		return
	case "when", "if", "is", "match", "value":
		fix = "case"
	case "else", "otherwise", "other", "fallback":
		fix = "default"
	}
	hint := ""
	if fix != "" {
		hint = fmt.Sprintf(" Did you mean %q?", fix)
	}
	w.unexpected(diag.UnexpectedBlock, block.TypeRange, fmt.Sprintf("There is no block %q in a switch.%s It holds case and default.", block.Type, hint), fix)
}
