package main

// The pages of the services. A service with a few actions has one page; where there are hundreds the page lists them,
// and those whose names begin with the same word share a page of their own.

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
)

// fewActions is how many actions fit on the page of their service.
const fewActions = 40

func connectorPages(s *connectors.Spec) map[string][]byte {
	pages := map[string][]byte{}
	r := all.Registry()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# %s\n\n%s\n\n## Connection\n\n| setting | type | environment | |\n|---|---|---|---|\n", made, s.Title, strings.TrimSpace(s.Doc))
	for _, st := range s.Settings {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", st.Name, fieldType(&st.Field), st.Env, cell(st.Doc))
	}
	limitsTable(&b, s)
	if len(s.Triggers) > 0 {
		b.WriteString("\n## Triggers\n\n`flowrun connectors TRIGGER` shows the fields of one.\n\n| trigger | event | |\n|---|---|---|\n")
		for _, t := range s.Triggers {
			events := strings.Join(t.Events, ", ")
			if t.TypesSetting != "" {
				events = "as `" + t.TypesSetting + "` says"
			}
			doc := t.Doc
			if t.Settings != nil {
				for i := range t.Settings.Fields() {
					f := &t.Settings.Fields()[i]
					doc += fmt.Sprintf(". Takes `%s`: %s", f.Name, f.Doc)
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", t.Name, events, cell(doc))
		}
	}
	b.WriteString("\n## Actions\n")
	names := s.AllActions()
	if len(names) <= fewActions {
		for _, name := range names {
			writeAction(&b, "###", r.Caller(name), false)
		}
		pages["connectors/"+s.Name+".md"] = b.Bytes()
		return pages
	}
	b.WriteString("\n`flowrun connectors ACTION` shows what one takes and answers, `flowrun connectors ACTION.INPUT` what is in an input, " +
		"`flowrun connectors -search WORDS` finds one.\n\n| action | effect | |\n|---|---|---|\n")
	groups := map[string]*bytes.Buffer{}
	for _, name := range names {
		a := r.Caller(name)
		group, _, _ := strings.Cut(strings.TrimPrefix(name, s.Name+"_"), "_")
		fmt.Fprintf(&b, "| [`%s`](%s/%s.md#%s) | %s | %s |\n", name, s.Name, group, name, a.Effect, cell(a.Doc))
		page := groups[group]
		if page == nil {
			page = &bytes.Buffer{}
			groups[group] = page
			fmt.Fprintf(page, "%s# %s: %s\n", made, s.Title, group)
		}
		writeAction(page, "##", a, true)
	}
	pages["connectors/"+s.Name+".md"] = b.Bytes()
	for group, page := range groups {
		pages["connectors/"+s.Name+"/"+group+".md"] = page.Bytes()
	}
	return pages
}

// limitsTable writes what the vendor takes, by class; the actions of a class say its name.
func limitsTable(b *bytes.Buffer, s *connectors.Spec) {
	if len(s.Limits) == 0 {
		return
	}
	b.WriteString("\n## Limits\n\n| calls | a second | following each other at once | at the same time | not where |\n|---|---|---|---|---|\n")
	for _, class := range slices.Sorted(maps.Keys(s.Limits)) {
		l, name, together := s.Limits[class], "`"+class+"`", "any number"
		switch class {
		case "":
			name = "all others"
		case connectors.EachEndpoint:
			name = "of one endpoint, besides"
		}
		if l.Concurrency > 0 {
			together = strconv.Itoa(l.Concurrency)
		}
		unless := ""
		if l.Unless != "" {
			unless = "`" + l.Unless + "` is set"
		}
		fmt.Fprintf(b, "| %s | %g | %d | %s | %s |\n", name, l.Rate, l.Burst, together, unless)
	}
}

// writeAction describes an action; in brief, an answer is named rather than listed.
func writeAction(b *bytes.Buffer, level string, a *connectors.Action, brief bool) {
	effect := a.Effect.String()
	if a.Limit != "" {
		effect += "`, limit: `" + a.Limit
	}
	undone := ""
	if does := lastingWords(a.Lasting); does != "" {
		undone = " Can't be undone: " + does + "."
	}
	fmt.Fprintf(b, "\n%s %s\n\n%s. Effect: `%s`.%s\n\n%s| input | type | |\n|---|---|---|\n", level, a.Name, strings.TrimSuffix(a.Doc, "."), effect, undone, exampleBlock(a))
	for i := range a.In.Fields() {
		f := &a.In.Fields()[i]
		doc := f.Doc
		if f.Required {
			doc = "Required. " + doc
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Name, cell(fieldType(f)), cell(doc))
	}
	for _, group := range a.In.OneOf {
		fmt.Fprintf(b, "\nExactly one of `%s`.\n", strings.Join(group, "`, `"))
	}
	if a.Out == nil {
		return
	}
	names := make([]string, 0, len(a.Out.Fields()))
	for i := range a.Out.Fields() {
		names = append(names, a.Out.Fields()[i].Name)
	}
	if brief && a.Out.Name != "" {
		names = []string{strings.ReplaceAll(a.Out.Name, "|", "`, `")}
	}
	fmt.Fprintf(b, "\nAnswers `%s`", strings.Join(names, "`, `"))
	if a.OutMayBeNull {
		b.WriteString(", or null")
	}
	b.WriteString(".\n")
}

// exampleBlock shows an action's example as a recipe has it; nothing where no argument is needed.
func exampleBlock(a *connectors.Action) string {
	text := exampleRecipe(a, "")
	if strings.Count(string(text), "\n") < 3 {
		return ""
	}
	return "```hcl\n" + string(text) + "```\n\n"
}

// exampleRecipe writes an action's example as a recipe would, after what stands before it.
func exampleRecipe(a *connectors.Action, before string) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("action", []string{a.Name}).Body()
	v, err := schema.DecodeAny([]byte(a.Example))
	if err != nil {
		return nil
	}
	given := v.AsValueMap()
	for _, field := range a.In.Fields() {
		if v, ok := given[field.Name]; ok {
			body.SetAttributeValue(field.Name, v)
		}
	}
	return append([]byte(before), hclwrite.Format(f.Bytes())...)
}

// TestActionExamplesCompile checks each action's example as a recipe has it.
func TestActionExamplesCompile(t *testing.T) {
	r := all.Registry()
	for _, name := range r.ActionNames() {
		text := exampleRecipe(r.Caller(name), "trigger \"stripe_charge_failed\" {}\n\n")
		// What the example of recipe_run calls.
		called := "trigger \"recipe_call\" {\n  inputs = { customer = string }\n}\n\naction \"customerio_identify\" {\n  id = trigger.customer\n}\n"
		_, diags := lang.CompileFiles(map[string][]byte{"recipe.hcl": text, "lib/notify.hcl": []byte(called)}, r)
		for _, d := range diags.Errs() {
			t.Errorf("%s: %v\n%s", name, d, text)
		}
	}
}

// manyValues is how long a list of values may be on a page.
const manyValues = 24

func fieldType(f *schema.Field) string {
	text := f.Type.String()
	if n := len(f.Type.Enum); n > 0 {
		text = "one of " + strings.Join(f.Type.Enum[:min(n, manyValues)], ", ")
		if n > manyValues {
			text += fmt.Sprintf(" and %d more", n-manyValues)
		}
		if f.Type.Or != nil {
			text += ", or " + f.Type.Or.String()
		}
	}
	if f.Secret {
		text += ", secret"
	}
	return text
}
