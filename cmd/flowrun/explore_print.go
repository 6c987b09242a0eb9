package main

// How the console shows values and types.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
)

// looked is what is known of one expression.
type looked struct {
	Expression string
	Views      []check.View
	Diags      hcl.Diagnostics
	value      cty.Value // NilVal where there is none
	failure    string    // why there is none, though the checker has nothing against the expression
}

func (l *looked) secret() bool {
	return slices.ContainsFunc(l.Views, func(v check.View) bool { return v.Secret })
}

// shape is the type that all triggers share, for the order of an object's fields.
func (l *looked) shape() schema.Type {
	if len(l.Views) == 1 {
		return l.Views[0].Type
	}
	return schema.Type{Kind: schema.KindAny}
}

func (x *explorer) text(l looked, typeOnly bool) error {
	var b strings.Builder
	switch {
	case l.failure != "":
		fmt.Fprintf(&b, "no value: %s\n", l.failure)
	case l.value == cty.NilVal:
	case l.secret():
		b.WriteString(hiddenText + "\n")
	default:
		writeValue(&b, l.value, l.shape(), "")
		b.WriteByte('\n')
	}
	if !l.Diags.HasErrors() {
		writeTypes(&b, l.Views, typeOnly)
	}
	if len(l.Views) == 0 && !l.Diags.HasErrors() {
		b.WriteString("  no trigger gets here: the conditions above can't all hold\n")
	}
	if _, err := fmt.Fprint(x.m.Stdout, x.secrets.hide(b.String())); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return x.m.printDiags(x.m.Stdout, l.Diags, x.inspector.Files())
}

// writeTypes writes a line for each trigger, or one where they agree.
func writeTypes(b *strings.Builder, views []check.View, typeOnly bool) {
	agree := !slices.ContainsFunc(views, func(v check.View) bool { return typeWords(v) != typeWords(views[0]) })
	for _, v := range views {
		if !typeOnly {
			b.WriteString("  type: ")
		}
		b.WriteString(typeWords(v))
		if !agree {
			fmt.Fprintf(b, " (for the trigger %q)", v.Trigger)
		}
		b.WriteByte('\n')
		if agree {
			return
		}
	}
}

// typeWords says what a value is: "string, or null on stripe_charge_failed; an identifier of a customer".
func typeWords(v check.View) string {
	if v.Null {
		return "always null"
	}
	out := v.Type.String()
	switch {
	case v.MayBeNull && v.Why != "":
		out += ", or null " + v.Why
	case v.MayBeNull:
		out += ", or null"
	case v.Proved:
		out += ", not null: what stands above makes sure of it"
	}
	add := func(ok bool, text string) {
		if ok && text != "" {
			out += "; " + text
		}
	}
	add(v.Elements, "its elements may be null")
	add(true, check.Describe(v.Type))
	add(v.Secret, "secret")
	add(v.Personal, "tells of a person")
	return out
}

// hiddenText stands for what must not be shown.
const hiddenText = "[secret]"

// wideValue is how many characters a list or map of one line has at most.
const wideValue = 72

// writeValue writes a value as HCL, an object's fields in the order of its shape.
func writeValue(b *strings.Builder, v cty.Value, t schema.Type, indent string) {
	if v.HasMark(eval.Secret) {
		b.WriteString(hiddenText)
		return
	}
	v, _ = v.Unmark()
	ty := v.Type()
	if v.IsNull() || ty.IsPrimitiveType() {
		b.Write(hclwrite.TokensForValue(v).Bytes())
		return
	}
	open, end := "{", "}"
	if !ty.IsObjectType() && !ty.IsMapType() {
		open, end = "[", "]"
	}
	parts := members(v, t)
	short, flat := 0, len(parts) <= 8
	rendered := make([]string, len(parts))
	for i, p := range parts {
		var one strings.Builder
		if open == "{" {
			one.WriteString(keyText(p.key) + " = ")
		}
		writeValue(&one, p.value, p.shape, indent+"  ")
		rendered[i] = one.String()
		short += len(rendered[i]) + 2
		flat = flat && !strings.Contains(rendered[i], "\n")
	}
	if flat && short <= wideValue && (open == "[" || len(parts) <= 2) {
		if open == "{" && len(parts) > 0 {
			open, end = "{ ", " }"
		}
		b.WriteString(open + strings.Join(rendered, ", ") + end)
		return
	}
	comma := ""
	if open == "[" {
		comma = ","
	}
	b.WriteString(open + "\n")
	for _, one := range rendered {
		b.WriteString(indent + "  " + one + comma + "\n")
	}
	b.WriteString(indent + end)
}

// member is one element of a value, with its key where it has one.
type member struct {
	key   string
	value cty.Value
	shape schema.Type
}

// members returns the elements of a value, in the order of its shape where that has one. What the shape says is secret is
// marked.
func members(v cty.Value, t schema.Type) []member {
	var out []member
	keyed := v.Type().IsObjectType() || v.Type().IsMapType()
	order := map[string]int{}
	if t.Kind == schema.KindObject && t.Object != nil {
		for i, f := range t.Object.Fields() {
			order[f.Name] = i + 1
		}
	}
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		m := member{value: value, shape: schema.Type{Kind: schema.KindAny}}
		if t.Elem != nil {
			m.shape = *t.Elem
		}
		if keyed {
			key, _ = key.Unmark()
			m.key = key.AsString()
		}
		if order[m.key] > 0 {
			f := t.Object.Field(m.key)
			if m.shape = f.Type; f.Secret {
				m.value = m.value.Mark(eval.Secret)
			}
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b member) int { return order[a.key] - order[b.key] })
	return out
}

func keyText(key string) string {
	if hclsyntax.ValidIdentifier(key) {
		return key
	}
	return string(hclwrite.TokensForValue(cty.StringVal(key)).Bytes())
}

// The JSON below is a contract with other programs.

type lookedJSON struct {
	Expression  string            `json:"expression"`
	Value       json.RawMessage   `json:"value,omitempty"` // absent where there is none; secrets are "[secret]"
	Failure     string            `json:"failure,omitempty"`
	Types       []viewJSON        `json:"types"`
	Diagnostics []json.RawMessage `json:"diagnostics"` // as those of validate
}

type viewJSON struct {
	Trigger         string   `json:"trigger"`
	Type            string   `json:"type"`
	Meaning         string   `json:"meaning,omitempty"`
	MayBeNull       bool     `json:"may_be_null"`
	Why             string   `json:"why,omitempty"`
	Proved          bool     `json:"proved_not_null,omitempty"`
	ElementsMayNull bool     `json:"elements_may_be_null,omitempty"`
	Enum            []string `json:"enum,omitempty"`
	Secret          bool     `json:"secret,omitempty"`
	Personal        bool     `json:"personal,omitempty"`
}

func (x *explorer) json(l looked) error {
	out := lookedJSON{Expression: l.Expression, Failure: l.failure, Types: []viewJSON{}, Diagnostics: []json.RawMessage{}}
	for _, v := range l.Views {
		out.Types = append(out.Types, viewJSON{Trigger: v.Trigger, Type: v.Type.String(), Meaning: check.Describe(v.Type), MayBeNull: v.MayBeNull,
			Why: v.Why, Proved: v.Proved, ElementsMayNull: v.Elements, Enum: v.Type.Enum, Secret: v.Secret, Personal: v.Personal})
	}
	if l.value != cty.NilVal {
		v := hidden(l.value, l.shape())
		if l.secret() {
			v = cty.StringVal(hiddenText)
		}
		raw, err := ctyjson.Marshal(v, v.Type())
		if err != nil {
			return fmt.Errorf("writing the value of %s as JSON: %w", l.Expression, err)
		}
		out.Value = json.RawMessage(x.secrets.hide(string(raw)))
	}
	var doc bytes.Buffer
	if err := diag.WriteJSON(&doc, l.Diags, x.inspector.Files()); err != nil {
		return fmt.Errorf("printing the problems: %w", err)
	}
	var validated struct {
		Diagnostics []json.RawMessage `json:"diagnostics"`
	}
	if err := json.Unmarshal(doc.Bytes(), &validated); err != nil {
		return fmt.Errorf("printing the problems: %w", err)
	}
	out.Diagnostics = append(out.Diagnostics, validated.Diagnostics...)
	enc := json.NewEncoder(x.m.Stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	return nil
}

// hidden returns a value without marks, and with a word in place of what must not be shown.
func hidden(v cty.Value, t schema.Type) cty.Value {
	if v.HasMark(eval.Secret) {
		return cty.StringVal(hiddenText)
	}
	v, _ = v.Unmark()
	ty := v.Type()
	if v.IsNull() || ty.IsPrimitiveType() {
		return v
	}
	byKey, list := map[string]cty.Value{}, []cty.Value{}
	for _, m := range members(v, t) {
		value := hidden(m.value, m.shape)
		byKey[m.key], list = value, append(list, value)
	}
	if ty.IsObjectType() || ty.IsMapType() {
		return cty.ObjectVal(byKey)
	}
	return cty.TupleVal(list)
}
