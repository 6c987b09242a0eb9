package syntax

// One method for each kind of block: what it may hold and how it is labelled. What the arguments mean is not known
// here.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
)

func (w *walker) settings(r *Recipe, block *hclsyntax.Block) {
	w.labels(block, 0, 0, "A recipe's name is the path of its file, so the block has no label.")
	if r.Settings != nil {
		w.report(diag.DuplicateBlock, block.DefRange(), "A file has one recipe block at most; the first is on line %d.", r.Settings.Range.Start.Line)
		return
	}
	s := &Settings{Range: block.DefRange()}
	r.Settings = s
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "description":
			s.Description = attr.Expr
		case "enabled":
			s.Enabled = attr.Expr
		case "timeout":
			s.Timeout = attr.Expr
		case "labels":
			s.Labels = attr.Expr
		case "mode":
			s.Mode = attr.Expr
		case "priority":
			s.Priority = attr.Expr
		default:
			if slices.Contains(controlBlocks(), attr.Name) {
				w.report(diag.UnexpectedArg, attr.NameRange, "%q is a block: write %s { … } without an equals sign.", attr.Name, attr.Name)
				continue
			}
			w.strangeArg(attr, "A recipe block", recipeArgs())
		}
	}
	for _, inner := range block.Body.Blocks {
		if !slices.Contains(controlBlocks(), inner.Type) {
			w.strangeControl(inner)
			continue
		}
		w.in("in "+inner.Type, func() {
			if c := w.control(inner, s.Controls); c != nil {
				s.Controls = append(s.Controls, c)
			}
		})
	}
}

func (w *walker) trigger(block *hclsyntax.Block) *Trigger {
	if !w.labels(block, 1, 2, "A trigger has its type as a label and may have a name as a second: trigger \"stripe_charge_failed\" \"failed\" {}.") {
		return nil
	}
	t := &Trigger{Type: block.Labels[0], TypeRange: block.LabelRanges[0], Range: block.DefRange()}
	t.Name, _ = w.name(block)
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "connection":
			t.Connection = attr.Expr
		case "latest":
			t.Latest = arg(attr)
		default:
			t.Args = append(t.Args, arg(attr))
		}
	}
	for _, inner := range block.Body.Blocks {
		w.strangeInner(inner, "A trigger", nil)
	}
	return t
}

func (w *walker) filter(block *hclsyntax.Block) *Step {
	w.labels(block, 0, 1, "A filter may have one label, which says in free text what it lets through.")
	s := &Step{Kind: FilterStep, Range: block.DefRange(), BodyRange: bodyRange(block)}
	if len(block.Labels) > 0 {
		s.Label = block.Labels[0]
	}
	meant := "" // the argument that a mistyped one stands for; it is reported once
	for _, attr := range sortedAttrs(block.Body) {
		if attr.Name == "condition" {
			s.Condition = attr.Expr
			continue
		}
		meant += w.strangeArg(attr, "A filter", []string{"condition"})
	}
	for _, inner := range block.Body.Blocks {
		meant += inner.Type
		w.strangeInner(inner, "A filter", []string{"condition"})
	}
	if s.Condition == nil {
		if !strings.Contains(meant, "condition") {
			w.report(diag.MissingArg, block.DefRange(), "A filter needs a condition, for example: condition = trigger.amount > 5000.")
		}
		s.Condition = missing(block)
	}
	return s
}

func (w *walker) action(block *hclsyntax.Block) *Step {
	if !w.labels(block, 1, 2, "An action has its type as a label and may have a name as a second: action \"customerio_track\" \"tracked\" { … }.") {
		return nil
	}
	s := &Step{
		Kind: ActionStep, Range: block.DefRange(), BodyRange: bodyRange(block),
		Type: block.Labels[0], TypeRange: block.LabelRanges[0],
	}
	s.Name, s.NameRange = w.name(block)
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "when":
			s.When = attr.Expr
		case "depends_on":
			s.DependsOn = attr.Expr
		case "connection":
			s.Connection = attr.Expr
		case "timeout":
			s.Timeout = attr.Expr
		case "allow_duplicates":
			s.AllowDuplicates = attr.Expr
		case "for_each":
			s.ForEach = attr.Expr
		case "max_parallel":
			s.MaxParallel = attr.Expr
		case "on_error":
			s.OnError = attr.Expr
		case "retry":
			w.report(diag.UnexpectedArg, attr.NameRange, "\"retry\" is a block: write retry { … } without an equals sign.")
		default:
			s.Args = append(s.Args, arg(attr))
		}
	}
	for _, inner := range block.Body.Blocks {
		switch {
		case inner.Type == "retry" && s.Retry != nil:
			w.report(diag.DuplicateBlock, inner.DefRange(), "An action has one retry block at most; the first is on line %d.", s.Retry.Range.Start.Line)
		case inner.Type == "retry":
			s.Retry = w.retry(inner)
		case inner.Type == "on_error":
			w.report(diag.UnexpectedBlock, inner.TypeRange, "In an action \"on_error\" is an argument: on_error = \"continue\" lets the run go on. The block on_error { … } stands beside the steps of a recipe.")
		case diag.Suggest(inner.Type, []string{"retry"}) != "":
			w.unexpected(diag.UnexpectedBlock, inner.TypeRange, fmt.Sprintf("There is no block %q in an action. Did you mean \"retry\"?", inner.Type), "retry")
		default:
			w.strangeInner(inner, "An action", nil)
		}
	}
	return s
}

func (w *walker) retry(block *hclsyntax.Block) *Retry {
	w.labels(block, 0, 0, "A retry block has no label.")
	r := &Retry{Range: block.DefRange()}
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "attempts":
			r.Attempts = attr.Expr
		case "min":
			r.Min = attr.Expr
		case "max":
			r.Max = attr.Expr
		case "on":
			r.On = attr.Expr
		default:
			w.strangeArg(attr, "A retry block", retryArgs())
		}
	}
	for _, inner := range block.Body.Blocks {
		w.strangeInner(inner, "A retry block", retryArgs())
	}
	return r
}

func (w *walker) locals(block *hclsyntax.Block) []*Local {
	w.labels(block, 0, 0, "A locals block has no label: what stands in it has names.")
	var locals []*Local
	for _, attr := range sortedAttrs(block.Body) {
		locals = append(locals, arg(attr))
	}
	for _, inner := range block.Body.Blocks {
		w.strangeInner(inner, "A locals block", nil)
	}
	return locals
}

func (w *walker) variable(block *hclsyntax.Block) *Variable {
	if !w.labels(block, 1, 1, "A variable has its name as a label: variable \"threshold\" { … }.") {
		return nil
	}
	v := &Variable{Range: block.DefRange()}
	v.Name, v.NameRange = w.name(block)
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "type":
			v.Type = attr.Expr
		case "default":
			v.Default = attr.Expr
		case "sensitive":
			v.Sensitive = attr.Expr
		case "description":
			v.Description = attr.Expr
		default:
			w.strangeArg(attr, "A variable", variableArgs())
		}
	}
	for _, inner := range block.Body.Blocks {
		if inner.Type == "validation" {
			v.Validations = append(v.Validations, w.validation(inner))
			continue
		}
		w.strangeInner(inner, "A variable", append(variableArgs(), "validation"))
	}
	return v
}

func (w *walker) validation(block *hclsyntax.Block) *Validation {
	w.labels(block, 0, 0, "A validation block has no label.")
	v := &Validation{Range: block.DefRange()}
	meant := ""
	for _, attr := range sortedAttrs(block.Body) {
		switch attr.Name {
		case "condition":
			v.Condition = attr.Expr
		case "error_message":
			v.ErrorMessage = attr.Expr
		default:
			meant += w.strangeArg(attr, "A validation block", validationArgs())
		}
	}
	for _, inner := range block.Body.Blocks {
		w.strangeInner(inner, "A validation block", validationArgs())
	}
	if v.Condition == nil {
		if !strings.Contains(meant, "condition") {
			w.report(diag.MissingArg, block.DefRange(), "A validation block needs a condition, for example: condition = var.threshold > 0.")
		}
		v.Condition = missing(block)
	}
	if v.ErrorMessage == nil {
		if !strings.Contains(meant, "error_message") {
			w.report(diag.MissingArg, block.DefRange(), "A validation block needs an error_message, which says what is expected.")
		}
		v.ErrorMessage = missing(block)
	}
	return v
}

func (w *walker) connection(block *hclsyntax.Block) *Connection {
	if !w.labels(block, 1, 2, "A connection has its service as a label and may have a name as a second: connection \"stripe\" \"eu\" { … }.") {
		return nil
	}
	c := &Connection{Service: block.Labels[0], ServiceRange: block.LabelRanges[0], Range: block.DefRange()}
	c.Name, _ = w.name(block)
	for _, attr := range sortedAttrs(block.Body) {
		c.Args = append(c.Args, arg(attr))
	}
	for _, inner := range block.Body.Blocks {
		w.strangeInner(inner, "A connection", nil)
	}
	return c
}

// labels reports a wrong number of labels; ok says that there are at least as many as there must be.
func (w *walker) labels(block *hclsyntax.Block, least, most int, rule string) (ok bool) {
	n := len(block.Labels)
	switch {
	case n < least:
		w.report(diag.WrongLabels, block.DefRange(), "A label is missing. %s", rule)
		return false
	case n > most:
		surplus := hcl.RangeBetween(block.LabelRanges[most], block.LabelRanges[n-1])
		w.report(diag.WrongLabels, surplus, "There are too many labels. %s", rule)
	}
	return true
}

// name returns the block's second label, or the first where there is one only. A variable's or a wait's label and a second
// label must be fit to be written behind a dot; the first is a type, which somebody else looks up.
func (w *walker) name(block *hclsyntax.Block) (string, hcl.Range) {
	i := min(len(block.Labels), 2) - 1
	if block.Type == "variable" || block.Type == "wait" {
		i = 0
	}
	name, rng := block.Labels[i], block.LabelRanges[i]
	if (i == 1 || block.Type == "variable" || block.Type == "wait") && !hclsyntax.ValidIdentifier(name) {
		proposal := identifier(name)
		w.unexpected(diag.BadName, rng,
			fmt.Sprintf("%q can't be a name: a name begins with a letter and goes on with letters, digits, \"_\" and \"-\". Write %q, say.", name, proposal), `"`+proposal+`"`)
	}
	return name, rng
}

// identifier makes a valid name out of a text.
func identifier(text string) string {
	folded := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, text)
	folded = strings.Trim(folded, "_")
	if len(folded) > 40 {
		folded = strings.Trim(folded[:40], "_")
	}
	if !hclsyntax.ValidIdentifier(folded) {
		folded = strings.Trim("x_"+folded, "_")
	}
	return folded
}

// strangeArg reports an argument that the block doesn't have, and returns the one that was probably meant, or "".
func (w *walker) strangeArg(attr *hclsyntax.Attribute, where string, known []string) string {
	if attr.Name == "validation" {
		w.report(diag.UnexpectedArg, attr.NameRange, "\"validation\" is a block: write validation { … } without an equals sign.")
		return ""
	}
	replacement := diag.Suggest(attr.Name, known)
	if replacement == "" && len(known) == 1 {
		switch attr.Name {
		case "if", "when", "where", "expression", "expr", "only", "unless", "value":
			replacement = known[0]
		}
	}
	hint := ""
	if replacement != "" {
		hint = ` Did you mean "` + replacement + `"?`
	}
	w.unexpected(diag.UnexpectedArg, attr.NameRange,
		fmt.Sprintf("%s has no argument %q.%s It takes %s.", where, attr.Name, hint, list(known)), replacement)
	return replacement
}

// strangeInner reports a block inside another that may not hold it. Known are the arguments of the outer one, where
// they are known.
func (w *walker) strangeInner(block *hclsyntax.Block, where string, known []string) {
	switch {
	case block.Type != "validation" && slices.Contains(known, block.Type):
		w.report(diag.UnexpectedBlock, block.TypeRange, "%q is an argument: write %s = … with an equals sign.", block.Type, block.Type)
	case slices.Contains(recipeBlocks(), block.Type):
		w.report(diag.UnexpectedBlock, block.TypeRange, "%s holds no %s block: close its brace first, and write the %s block below it.", where, block.Type, block.Type)
	case known != nil:
		w.report(diag.UnexpectedBlock, block.TypeRange, "%s holds no block %q.%s", where, block.Type, diag.DidYouMean(block.Type, known))
	default:
		w.report(diag.UnexpectedBlock, block.TypeRange, "%s holds no block %q. For an argument that is an object write an equals sign: %s = { … }.", where, block.Type, block.Type)
	}
}

// list writes words as a sentence does: "a", "a and b", "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func arg(attr *hclsyntax.Attribute) *Arg {
	return &Arg{Name: attr.Name, NameRange: attr.NameRange, Expr: attr.Expr, Range: attr.SrcRange}
}

func bodyRange(block *hclsyntax.Block) hcl.Range {
	return hcl.RangeBetween(block.OpenBraceRange, block.CloseBraceRange)
}

// missing stands for an expression that should be there.
func missing(block *hclsyntax.Block) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: block.DefRange()}
}

// literal is a text that stands where an expression is expected.
func literal(text string, rng hcl.Range) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: cty.StringVal(text), SrcRange: rng}
}
