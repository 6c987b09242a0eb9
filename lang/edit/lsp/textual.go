package lsp

// Questions about a text as a whole: its layout, its blocks, its colours, what mends it.

import (
	"errors"

	"github.com/flowrun/flowrun/lang/edit"
	"github.com/hashicorp/hcl/v2"
)

const quickFix = "quickfix"

func (s *Server) workspaceEdit(p *project, edits []edit.Edit) workspaceEdit {
	out := workspaceEdit{Changes: map[string][]textEdit{}}
	for _, e := range edits {
		text, _ := p.work.Text(e.File)
		uri := s.uri(p, e.File)
		out.Changes[uri] = append(out.Changes[uri], textEdit{s.enc.lines(text).between(e.Start, e.End), e.Text})
	}
	return out
}

// format answers with one change of the text. It serves files that are in no project, too.
func (s *Server) format(p documentParams) (any, error) {
	d, err := s.doc(p.TextDocument.URI)
	if d == nil || err != nil {
		return nil, err
	}
	out, diags := edit.Format(d.text, "this file")
	if diags.HasErrors() {
		for _, found := range diags {
			if found.Severity == hcl.DiagError {
				return nil, errors.New(found.Summary + ". " + found.Detail)
			}
		}
	}
	if string(out) == string(d.text) {
		return []textEdit{}, nil
	}
	// Only what differs is sent, so that cursors elsewhere stay.
	start, end, rest := 0, len(d.text), len(out)
	for start < end && start < rest && d.text[start] == out[start] {
		start++
	}
	for end > start && rest > start && d.text[end-1] == out[rest-1] {
		end, rest = end-1, rest-1
	}
	for start > 0 && d.text[start-1] != '\n' {
		start--
	}
	for end < len(d.text) && d.text[end-1] != '\n' {
		end, rest = end+1, rest+1
	}
	return []textEdit{{s.enc.lines(d.text).between(start, end), string(out[start:rest])}}, nil
}

func (s *Server) symbols(p documentParams) (any, error) {
	d, err := s.doc(p.TextDocument.URI)
	if d == nil || err != nil || d.name == "" {
		return nil, err
	}
	l := s.enc.lines(d.text)
	tree := documentSymbols(l, d.project.work.Symbols(d.name))
	if s.client.Capabilities.TextDocument.Symbols.Tree {
		return tree, nil
	}
	type flat struct {
		Name     string   `json:"name"`
		Kind     int      `json:"kind"`
		Location location `json:"location"`
	}
	out := []flat{}
	var visit func([]documentSymbol)
	visit = func(list []documentSymbol) {
		for _, sym := range list {
			out = append(out, flat{sym.Name, sym.Kind, location{d.uri, sym.Range}})
			visit(sym.Children)
		}
	}
	visit(tree)
	return out, nil
}

func documentSymbols(l *lines, list []edit.Symbol) []documentSymbol {
	out := []documentSymbol{}
	for _, sym := range list {
		kind := 19 // object
		switch {
		case sym.Kind == edit.NameOf:
			kind = 13 // variable
		case len(sym.Detail) >= 7 && sym.Detail[:7] == "trigger":
			kind = 24 // event
		case len(sym.Detail) >= 6 && sym.Detail[:6] == "action":
			kind = 12 // function
		}
		out = append(out, documentSymbol{
			Name: sym.Name, Detail: sym.Detail, Kind: kind, Range: l.of(sym.Range), Selection: l.of(sym.Label),
			Children: documentSymbols(l, sym.Children),
		})
	}
	return out
}

type actionParams struct {
	TextDocument document  `json:"textDocument"`
	Range        textRange `json:"range"`
	Context      struct {
		Only []string `json:"only"`
	} `json:"context"`
}

// actions offers what mends the mistakes in a range. They are those of the text as it is, whatever the editor shows.
func (s *Server) actions(p actionParams) (any, error) {
	d, err := s.doc(p.TextDocument.URI)
	if d == nil || err != nil || d.name == "" {
		return nil, err
	}
	out := []codeAction{}
	if len(p.Context.Only) > 0 && !wants(p.Context.Only) {
		return out, nil
	}
	start, end := s.enc.offset(d.text, p.Range.Start), s.enc.offset(d.text, p.Range.End)
	if d.project.stale {
		found, done := d.project.work.Diagnostics(s.in.pending)
		if !done {
			return out, nil // a message waits; the editor asks again when it has what comes of the check
		}
		d.project.found = found
	}
	var here hcl.Diagnostics
	for _, found := range d.project.found[d.name] {
		if found.Subject.Start.Byte <= end && start <= found.Subject.End.Byte {
			here = append(here, found)
		}
	}
	l := s.enc.lines(d.text)
	for _, f := range d.project.work.Fixes(d.name, here) {
		out = append(out, codeAction{
			Title: f.Title, Kind: quickFix, Preferred: f.Preferred, Diagnostics: []diagnostic{shown(l, f.Diag)},
			Edit: s.workspaceEdit(d.project, f.Edits),
		})
	}
	return out, nil
}

func wants(only []string) bool {
	for _, kind := range only {
		if kind == "" || kind == quickFix {
			return true
		}
	}
	return false
}

// tokenTypes is the legend, in the order of edit.TokenKind.
func tokenTypes() []string {
	return []string{"keyword", "property", "type", "variable", "function", "string", "number", "comment"}
}

func (s *Server) tokens(p documentParams) (any, error) {
	d, err := s.doc(p.TextDocument.URI)
	if d == nil || err != nil || d.name == "" {
		return nil, err
	}
	l := s.enc.lines(d.text)
	data := []int{}
	var last position
	for _, t := range d.project.work.Tokens(d.name) {
		from, to := l.position(t.Start), l.position(t.End)
		column := from.Character
		if from.Line == last.Line {
			column -= last.Character
		}
		data = append(data, from.Line-last.Line, column, to.Character-from.Character, int(t.Kind)-1, 0)
		last = from
	}
	return map[string]any{"data": data}, nil
}
