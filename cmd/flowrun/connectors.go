package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// The JSON below is a contract with other programs.

type serviceJSON struct {
	Name     string        `json:"name"`
	Title    string        `json:"title"`
	Doc      string        `json:"doc"`
	Settings []fieldJSON   `json:"settings"`
	Triggers []triggerJSON `json:"triggers"`
	Actions  []actionJSON  `json:"actions"`
}

type triggerJSON struct {
	Name     string      `json:"name"`
	Event    string      `json:"event"` // the vendor's type; several are joined by commas, none where a setting says which
	Doc      string      `json:"doc,omitempty"`
	Settings []fieldJSON `json:"settings,omitempty"`
	Fields   []fieldJSON `json:"fields"`
}

type actionJSON struct {
	Name    string      `json:"name"`
	Effect  string      `json:"effect"`
	Lasting string      `json:"lasting,omitempty"` // what of it can't be undone: money, deletion, cancellation, message
	Doc     string      `json:"doc,omitempty"`
	Inputs  []fieldJSON `json:"inputs"`
	OneOf   [][]string  `json:"one_of,omitempty"` // of each group exactly one is given
	Outputs []fieldJSON `json:"outputs"`
}

type fieldJSON struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Doc      string   `json:"doc,omitempty"`
	Required bool     `json:"required,omitempty"`
	Nullable bool     `json:"nullable,omitempty"`
	Secret   bool     `json:"secret,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Role     string   `json:"role,omitempty"`
	Example  string   `json:"example,omitempty"`
	Default  string   `json:"default,omitempty"`
	Env      string   `json:"env,omitempty"`

	Fields []fieldJSON `json:"fields,omitempty"` // of an input: what the objects in it hold
}

func connectorsCommand() *command {
	var asJSON bool
	var search string
	return &command{
		name:  "connectors",
		args:  "[NAME]",
		short: "list the services, or show one with its settings, triggers and actions",
		long: "NAME may also be a trigger or an action: then its fields are shown; NAME.FIELD shows what is in one of them.\n" +
			"In a trigger, ? marks a field that may be null; in an action, ! marks one that must be given.",
		example: "flowrun connectors customerio_track",
		group:   groupLearn,
		maxArgs: 1,
		flags: func(f *flags) {
			f.BoolVar(&asJSON, "json", false, "print JSON")
			f.StringVar(&search, "search", "", "`WORDS`: list the triggers and actions whose name or description has all of them")
		},
		run: func(_ context.Context, m *Main, args []string) error {
			registry := all.Registry()
			if search != "" {
				return searchCatalogue(m.Stdout, registry, args, search, asJSON)
			}
			if len(args) == 0 {
				return listServices(m.Stdout, registry, asJSON)
			}
			if spec := registry.Spec(args[0]); spec != nil {
				if asJSON {
					return printJSON(m.Stdout, describeService(registry, spec))
				}
				return showService(m.Stdout, registry, spec)
			}
			if t := registry.Trigger(args[0]); t != nil {
				if asJSON {
					return printJSON(m.Stdout, describeTrigger(t))
				}
				return showTrigger(m.Stdout, t)
			}
			if a := registry.Action(args[0]); a != nil {
				if asJSON {
					return printJSON(m.Stdout, describeAction(a))
				}
				return showAction(m.Stdout, a)
			}
			if name, path, dotted := strings.Cut(args[0], "."); dotted {
				return showInside(m.Stdout, registry, name, path, asJSON)
			}
			names := slices.Concat(registry.ServiceNames(), registry.ActionNames(), registry.TriggerNames())
			return usagef("there is no service, trigger or action %q.%s", args[0], diag.DidYouMean(args[0], names))
		},
	}
}

func listServices(w io.Writer, r *connectors.Registry, asJSON bool) error {
	type row struct {
		Name     string `json:"name"`
		Title    string `json:"title"`
		Doc      string `json:"doc"`
		Triggers int    `json:"trigger_count"`
		Actions  int    `json:"action_count"`
	}
	rows := []row{}
	for _, name := range r.ServiceNames() {
		s := r.Spec(name)
		rows = append(rows, row{s.Name, s.Title, s.Doc, len(s.Triggers), len(s.AllActions())})
	}
	if asJSON {
		return printJSON(w, struct {
			Connectors []row `json:"connectors"`
		}{rows})
	}
	t := newTable(w, "NAME", "TRIGGERS", "ACTIONS", "WHAT")
	for _, s := range rows {
		first, _, _ := strings.Cut(s.Doc, ". ")
		t.row(s.Name, fmt.Sprint(s.Triggers), fmt.Sprint(s.Actions), s.Title+": "+first)
	}
	return t.flush()
}

func describeService(r *connectors.Registry, s *connectors.Spec) serviceJSON {
	out := serviceJSON{Name: s.Name, Title: s.Title, Doc: s.Doc, Settings: []fieldJSON{}, Triggers: []triggerJSON{}, Actions: []actionJSON{}}
	for i := range s.Settings {
		f := describeField(&s.Settings[i].Field)
		f.Env = s.Settings[i].Env
		out.Settings = append(out.Settings, f)
	}
	for _, t := range s.Triggers {
		out.Triggers = append(out.Triggers, describeTrigger(t))
	}
	for _, name := range s.AllActions() {
		out.Actions = append(out.Actions, describeAction(r.Action(name)))
	}
	return out
}

func describeTrigger(t *schema.Trigger) triggerJSON {
	out := triggerJSON{Name: t.Name, Event: strings.Join(t.Events, ","), Doc: t.Doc, Fields: describeFields(t.Payload)}
	if t.Settings != nil && len(t.Settings.Fields()) > 0 {
		out.Settings = describeFields(t.Settings)
	}
	return out
}

func describeAction(a *schema.Action) actionJSON {
	out := actionJSON{Name: a.Name, Effect: a.Effect.String(), Lasting: a.Lasting.Kind.String(), Doc: a.Doc, Inputs: describeInputs(a.In), Outputs: describeFields(a.Out)}
	if a.In != nil {
		out.OneOf = a.In.OneOf
	}
	return out
}

func describeFields(o *schema.Object) []fieldJSON {
	out := []fieldJSON{}
	if o == nil {
		return out
	}
	fields := o.Fields()
	for i := range fields {
		out = append(out, describeField(&fields[i]))
	}
	return out
}

func describeField(f *schema.Field) fieldJSON {
	return fieldJSON{
		Name: f.Name, Type: f.Type.String(), Doc: f.Doc, Required: f.Required, Nullable: f.Nullable, Secret: f.Secret,
		Enum: f.Type.Enum, Role: string(f.Role), Example: f.Example, Default: f.Default,
	}
}

func showService(w io.Writer, r *connectors.Registry, s *connectors.Spec) error {
	fmt.Fprintf(w, "%s (%s)\n%s\n", s.Title, s.Name, s.Doc)
	if len(s.Settings) > 0 {
		fmt.Fprintf(w, "\nSettings of connection %q\n", s.Name)
	}
	t := newTable(w)
	for _, st := range s.Settings {
		note := st.Doc
		if st.Default != "" {
			note += " (default " + st.Default + ")"
		}
		t.row("  "+st.Name, typeName(&st.Field), dash(st.Env), note)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if names := s.AllActions(); len(names) > 0 {
		fmt.Fprint(w, "\nActions\n")
		t = newTable(w)
		for _, name := range names {
			a := r.Action(name)
			t.row("  "+a.Name, strings.ReplaceAll(a.Effect.String(), "_", " "), a.Doc)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if len(s.Triggers) > 0 {
		fmt.Fprint(w, "\nTriggers\n")
		t = newTable(w)
		for _, tr := range s.Triggers {
			t.row("  "+tr.Name, eventNames(tr))
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	fmt.Fprint(w, "\n\"flowrun connectors TRIGGER\" and \"flowrun connectors ACTION\" show the fields.\n")
	return nil
}

func eventNames(t *schema.Trigger) string {
	if t.TypesSetting != "" {
		return "the types in " + t.TypesSetting
	}
	return strings.Join(t.Events, ", ")
}

func showTrigger(w io.Writer, t *schema.Trigger) error {
	fmt.Fprintf(w, "trigger %q\n%s\n", t.Name, t.Doc)
	if events := eventNames(t); events != "" {
		fmt.Fprintf(w, "fired by %s\n", events)
	}
	if t.Settings != nil && len(t.Settings.Fields()) > 0 {
		fmt.Fprint(w, "\nArguments\n")
		if err := showFields(w, t.Settings, inputMark); err != nil {
			return err
		}
	}
	if t.Payload != nil && len(t.Payload.Fields()) == 0 {
		return nil // they are what the recipe declares
	}
	fmt.Fprint(w, "\nFields of trigger\n")
	return showFields(w, t.Payload, outputMark)
}

func showAction(w io.Writer, a *schema.Action) error {
	fmt.Fprintf(w, "action %q\n%s\na repeat: %s\n", a.Name, a.Doc, repeatWords(a.Effect))
	if does := lastingWords(a.Lasting); does != "" {
		fmt.Fprintf(w, "can't be undone: %s, which limits count\n", does)
	}
	fmt.Fprint(w, "\nInputs\n")
	if err := showFields(w, a.In, inputMark); err != nil {
		return err
	}
	for _, group := range a.In.OneOf {
		fmt.Fprintf(w, "  exactly one of: %s\n", strings.Join(group, ", "))
	}
	if a.Out == nil {
		return nil
	}
	may := ""
	if a.OutMayBeNull {
		may = " (null where nothing is found)"
	}
	fmt.Fprintf(w, "\nAnswer%s\n", may)
	return showFields(w, a.Out, outputMark)
}

// lastingWords says what of an action can't be undone: "money, as much as amount says, where confirm is true".
func lastingWords(l schema.Lasting) string {
	words := l.Kind.String()
	if l.Amount != "" {
		words += ", as much as " + l.Amount + " says"
	}
	if l.Only != "" {
		words += ", where " + l.Only + " is true"
	}
	return words
}

func repeatWords(e schema.Effect) string {
	switch e {
	case schema.Read:
		return "changes nothing"
	case schema.Idempotent:
		return "has the same effect as one call"
	case schema.Keyed:
		return "is recognised by the service"
	}
	return "would be a second effect, so that a call whose outcome is unknown is not repeated"
}

func inputMark(f *schema.Field) string {
	if f.Required {
		return "!"
	}
	return ""
}

func outputMark(f *schema.Field) string {
	if f.MayBeNull() {
		return "?"
	}
	return ""
}

func showFields(w io.Writer, o *schema.Object, mark func(*schema.Field) string) error {
	if o == nil {
		return nil
	}
	t := newTable(w)
	fields := o.Fields()
	for i := range fields {
		f := &fields[i]
		t.row("  "+f.Name+mark(f), typeName(f), f.Doc)
	}
	return t.flush()
}

func typeName(f *schema.Field) string {
	main := f.Type
	main.Or = nil
	t := main.String()
	if n := len(f.Type.Enum); n > 0 {
		t = strings.Join(f.Type.Enum[:min(n, 6)], "|")
		if n > 6 {
			t += "|…"
		}
	}
	if or := f.Type.Or; or != nil {
		t += strings.TrimPrefix(f.Type.String(), main.String())
	}
	if f.Secret {
		t += ", secret"
	}
	return t
}

// table prints columns for people.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer, head ...string) *table {
	t := &table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if len(head) > 0 {
		t.row(head...)
	}
	return t
}

func (t *table) row(cells ...string) {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	for i, c := range cells {
		// A tab or a line feed in a cell would move the columns.
		cells[i] = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t *table) flush() error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
