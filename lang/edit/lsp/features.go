package lsp

import (
	"encoding/json"
	"fmt"

	"github.com/flowrun/flowrun/lang/edit"
)

// capabilities says what is served.
func (s *Server) capabilities() map[string]any {
	return map[string]any{
		"positionEncoding": s.enc,
		"textDocumentSync": map[string]any{"openClose": true, "change": 2, "save": true},
		"completionProvider": map[string]any{
			"triggerCharacters": []string{".", "\""},
		},
		"hoverProvider":              true,
		"definitionProvider":         true,
		"referencesProvider":         true,
		"documentHighlightProvider":  true,
		"renameProvider":             map[string]any{"prepareProvider": true},
		"documentFormattingProvider": true,
		"documentSymbolProvider":     true,
		"codeActionProvider":         map[string]any{"codeActionKinds": []string{quickFix}},
		"semanticTokensProvider": map[string]any{
			"legend": map[string]any{"tokenTypes": tokenTypes(), "tokenModifiers": []string{}},
			"full":   true,
		},
		"workspace": map[string]any{"workspaceFolders": map[string]any{"supported": true, "changeNotifications": true}},
	}
}

// feature returns what answers a question about a text.
func (s *Server) feature(method string) func(json.RawMessage) (any, error) {
	switch method {
	case "textDocument/completion":
		return with(s.completion)
	case "textDocument/hover":
		return with(s.hover)
	case "textDocument/definition":
		return with(s.definition)
	case "textDocument/references":
		return with(s.references)
	case "textDocument/documentHighlight":
		return with(s.highlight)
	case "textDocument/prepareRename":
		return with(s.prepareRename)
	case "textDocument/rename":
		return with(s.rename)
	case "textDocument/formatting":
		return with(s.format)
	case "textDocument/documentSymbol":
		return with(s.symbols)
	case "textDocument/codeAction":
		return with(s.actions)
	case "textDocument/semanticTokens/full":
		return with(s.tokens)
	}
	return nil
}

// at returns an open text of a project and the byte of a position in it; d is nil where nothing is known of it.
func (s *Server) at(p positionParams) (d *doc, at int, err error) {
	d, err = s.doc(p.TextDocument.URI)
	if d == nil || err != nil || d.name == "" {
		return nil, 0, err
	}
	return d, s.enc.offset(d.text, p.Position), nil
}

func (s *Server) completion(p positionParams) (any, error) {
	d, at, err := s.at(p)
	if d == nil {
		return nil, err
	}
	l := s.enc.lines(d.text)
	out := completionList{Items: []completionItem{}}
	for n, i := range d.project.work.Complete(d.name, at) {
		item := completionItem{
			Label: i.Label, Kind: kindOf(i.Kind), Detail: i.Detail, Documentation: markdown(i.Doc),
			SortText: fmt.Sprintf("%04d", n), TextEdit: textEdit{l.between(i.Start, max(i.Start, min(i.End, len(d.text)))), i.Insert}, Format: 1,
		}
		if i.Stop {
			if s.client.Capabilities.TextDocument.Completion.Item.Snippets {
				item.Format = 2
			} else {
				item.TextEdit.NewText = edit.WithoutStop(i.Insert)
			}
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// kindOf returns the number that the protocol has for a kind.
func kindOf(k edit.Kind) int {
	switch k {
	case edit.Block:
		return 14 // keyword
	case edit.Argument:
		return 10 // property
	case edit.TypeName:
		return 7 // class
	case edit.Attribute:
		return 5 // field
	case edit.NameOf:
		return 6 // variable
	case edit.Value:
		return 12 // value
	case edit.Function:
		return 3
	}
	return 1
}
