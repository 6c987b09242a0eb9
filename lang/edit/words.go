package edit

// How shapes read in plain words, for completion and hover.

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
)

// typeWords says what a value is: "string or null".
func typeWords(t schema.Type, null bool) string {
	s := t.String()
	if null && t.Kind != schema.KindAny {
		s += " or null"
	}
	return s
}

// sightWords says what a value is for all triggers: once where they agree, else for each.
func sightWords(sights []check.Sight) string {
	var words []string
	same := true
	for _, s := range sights {
		text := typeWords(s.Type, s.MayBeNull)
		switch {
		case s.Null:
			text = "null"
		case !s.Known:
			text = "unknown"
		}
		words = append(words, text)
		same = same && text == words[0]
	}
	if len(words) == 0 {
		return ""
	}
	if same {
		return words[0]
	}
	for i, s := range sights {
		words[i] = fmt.Sprintf("%s on %s", words[i], s.Trigger)
	}
	return strings.Join(words, "; ")
}

// formatWords says what a type is beyond its kind, in a sentence.
func formatWords(t schema.Type) string {
	words := check.Meaning(t)
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + sentence(words[1:])
}

// enumWords lists the values that a text can have, as Markdown.
func enumWords(t schema.Type) string {
	const most = 30
	if t.Kind == schema.KindList && t.Elem != nil {
		t = *t.Elem
	}
	if len(t.Enum) == 0 {
		return ""
	}
	var words []string
	for i, v := range t.Enum {
		if i == most {
			words = append(words, fmt.Sprintf("and %d more", len(t.Enum)-most))
			break
		}
		words = append(words, fmt.Sprintf("`%q`", v))
	}
	return "One of " + strings.Join(words, ", ") + "."
}

// fieldDoc is what is said of a field in an input, a payload or an answer.
func fieldDoc(f *schema.Field) string {
	parts := []string{sentence(f.Doc), formatWords(f.Type), enumWords(f.Type)}
	if f.Default != "" {
		parts = append(parts, "Default: `"+f.Default+"`.")
	}
	if f.Secret {
		parts = append(parts, "Secret: it is never logged.")
	}
	if f.Example != "" {
		parts = append(parts, "Example: `"+f.Example+"`.")
	}
	return paragraphs(parts...)
}

func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, ":") {
		return s
	}
	return s + "."
}

// paragraphs joins what is not empty.
func paragraphs(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n")
}

// signature writes a function with its parameters: "coalesce(vals…)".
func signature(f eval.Func) string {
	var params []string
	for _, p := range f.Impl.Params() {
		params = append(params, paramWords(p.Name, p.Type))
	}
	if p := f.Impl.VarParam(); p != nil {
		params = append(params, paramWords(p.Name, p.Type)+"…")
	}
	return f.Name + "(" + strings.Join(params, ", ") + ")"
}

func paramWords(name string, t cty.Type) string {
	if t == cty.DynamicPseudoType || t.IsCapsuleType() {
		return name
	}
	return name + " " + t.FriendlyNameForConstraint()
}

func funcDoc(f eval.Func) string {
	return paragraphs(f.Doc, "`"+f.Example+"`")
}

func triggerDoc(t *schema.Trigger) string {
	return paragraphs(sentence(t.Doc), list("Events", t.Events))
}

func actionDoc(a *schema.Action) string {
	effect := map[schema.Effect]string{
		schema.Read:       "It changes nothing at the service.",
		schema.Idempotent: "A repeat leaves the service as one call does.",
		schema.Keyed:      "The service recognises a repeat by its key.",
		schema.AtMostOnce: "The service can't recognise a repeat, so that a call whose outcome is unknown is not repeated.",
	}[a.Effect]
	lasting := ""
	if does := a.Lasting.Kind.Words(); does != "" {
		lasting = "It " + does + ", which can't be undone: `limits` count it."
	}
	return paragraphs(sentence(a.Doc), effect, lasting)
}

func list(title string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "`" + w + "`"
	}
	return title + ": " + strings.Join(quoted, ", ") + "."
}
