package syntax

// The messages of the HCL parser speak of "argument or block definitions" and "item separators", and one mistake can
// draw three of them. Here they get a code, plain words, and the followers are dropped.

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// A file with more syntax errors than this is not the kind of file that its author thinks it is.
const maxSyntaxErrors = 10

// mend turns the parser's diagnostics into ours.
func mend(hclDiags hcl.Diagnostics, src []byte, name string) hcl.Diagnostics {
	// What the lexer says comes first and is more precise than what the parser makes of it; the sort is stable.
	slices.SortStableFunc(hclDiags, func(a, b *hcl.Diagnostic) int { return lineOf(a) - lineOf(b) })
	var diags hcl.Diagnostics
	line, end := 0, len(src)
	lost := false
	bad, broken := notUTF8(src, name)
	if broken {
		end = bad.Start.Byte - 1 // the lexer loses count of lines there
	}
	for _, d := range hclDiags {
		if d.Severity != hcl.DiagError || d.Subject == nil {
			continue
		}
		if d.Subject.Start.Byte > end {
			lost = true
			continue
		}
		rng := *d.Subject
		if rng.Start.Line == line || rng.Filename == "" {
			continue // on a line that has a mistake already, the second message is about the first mistake
		}
		line = rng.Start.Line
		detail := plain(d, src)
		diags = append(diags, syntaxError(firstLine(rng, src), detail))
		if misleads(d.Summary) || len(diags) == maxSyntaxErrors {
			return diags
		}
	}
	if lost && bad.Start.Line != line {
		diags = append(diags, syntaxError(bad, "This is not UTF-8. Save the file in UTF-8."))
	}
	return diags
}

// notUTF8 returns the first byte that is part of no character.
func notUTF8(src []byte, name string) (hcl.Range, bool) {
	if utf8.Valid(src) {
		return hcl.Range{}, false
	}
	at := hcl.InitialPos
	for {
		r, size := utf8.DecodeRune(src[at.Byte:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at.Byte += size
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
	}
	return hcl.Range{Filename: name, Start: at, End: hcl.Pos{Line: at.Line, Column: at.Column + 1, Byte: at.Byte + 1}}, true
}

func lineOf(d *hcl.Diagnostic) int {
	if d.Subject == nil {
		return 0
	}
	return d.Subject.Start.Line
}

// misleads says that after such a mistake the parser reads the rest of the file wrongly.
func misleads(summary string) bool {
	return strings.HasPrefix(summary, "Unclosed") || strings.HasPrefix(summary, "Unterminated") ||
		slices.Contains([]string{"Invalid multi-line string", "Invalid single-argument block definition"}, summary)
}

// plain says in plain words what the parser says, with what stands in the file.
func plain(d *hcl.Diagnostic, src []byte) string {
	found := text(*d.Subject, src)
	switch d.Summary {
	case "Invalid expression":
		return fmt.Sprintf("A value is expected here, such as \"text\", 12, true or trigger.amount, but %s was found.", what(found))
	case "Missing expression":
		return "A value is expected here, such as \"text\", 12, true or trigger.amount, but the file ends."
	case "Missing newline after argument":
		if found == "=" {
			return "A value can't be followed by \"=\". To compare two values write \"==\"."
		}
		if sign, ok := map[string]string{"and": "&&", "or": "||", "is": "==", "eq": "=="}[found]; ok {
			return fmt.Sprintf("A value can't be followed by %q. Write %q.", found, sign)
		}
		return fmt.Sprintf("The value ends before %s. Each argument stands on a line of its own.", what(found))
	case "Unexpected comma after argument":
		return "Arguments of a block are separated by line ends, not by commas. Remove the comma."
	case "Missing newline after block definition":
		return fmt.Sprintf("Nothing may follow the closing brace of a block on its line, but %s was found.", what(found))
	case "Argument or block definition required":
		if strings.Contains(d.Detail, "equals sign") {
			return fmt.Sprintf("%s is neither an argument (%s = …) nor a block (%s { … }).", quote(found), found, found)
		}
		return fmt.Sprintf("The name of an argument or of a block is expected here, but %s was found.", what(found))
	case "Argument definition required":
		return "A block on one line holds one argument at most. Put what it holds on lines of its own."
	case "Invalid argument name":
		return "The name of an argument is not quoted. (In an object it may be: data = { \"a key\" = 1 }.)"
	case "Attribute redefined":
		return fmt.Sprintf("%s is set twice in this block. Keep one.", quote(found))
	case "Invalid block definition":
		switch {
		case found == "=":
			return "A block has no equals sign: write its name, its labels, and a brace."
		case strings.TrimSpace(found) == "":
			return "The opening brace of a block stands on the line of its name."
		}
		return fmt.Sprintf("A label in quotes or an opening brace is expected here, but %s was found.", what(found))
	case "Invalid single-argument block definition":
		return "A block on one line holds one argument and its closing brace. Put each argument on a line of its own, and the brace, too."
	case "Missing item separator":
		return fmt.Sprintf("A comma or the closing bracket of the list is expected here, but %s was found.", what(found))
	case "Missing attribute separator":
		return fmt.Sprintf("A comma, a line end or the closing brace of the object is expected here, but %s was found.", what(found))
	case "Missing argument separator":
		return fmt.Sprintf("A comma or the closing parenthesis of the call is expected here, but %s was found.", what(found))
	case "Missing key/value separator", "Missing attribute value":
		return "In an object each name is followed by \"=\" and a value: { amount = 12 }."
	case "Unbalanced parentheses", "Missing closing parenthesis":
		return fmt.Sprintf("A closing parenthesis is expected here, but %s was found.", what(found))
	case "Missing false expression in conditional":
		return "A condition has two outcomes: condition ? value : other value. The \":\" and the other value are missing."
	case "Invalid attribute name":
		return "The name of an attribute is missing after the dot."
	case "Unsupported operator":
		if found == "&" || found == "|" {
			return fmt.Sprintf("There is no operator %q. Write %q.", found, found+found)
		}
		if found == "~" && bytes.HasSuffix(src[:d.Subject.Start.Byte], []byte("=")) {
			return "There is no operator \"=~\". To test a text against a pattern use matches(pattern, text)."
		}
	case "Invalid character":
		if found == ";" {
			return "There are no semicolons. Each argument stands on a line of its own; a list has commas."
		}
	}
	// The others are fine as they are.
	return strings.ReplaceAll(d.Detail, "\n\n", " ")
}

// what names something found in a file.
func what(found string) string {
	switch {
	case found == "":
		return "the end of the file"
	case strings.TrimSpace(found) == "" || found[0] == '#':
		return "the end of the line"
	}
	return quote(found)
}

func quote(found string) string {
	const most = 40
	if i := strings.IndexAny(found, "\r\n"); i >= 0 {
		found = found[:i]
	}
	if len(found) > most {
		found = strings.ToValidUTF8(found[:most], "") + "…"
	}
	if found == `"` {
		return "a quote"
	}
	return `"` + found + `"`
}

func text(rng hcl.Range, src []byte) string {
	if !rng.CanSliceBytes(src) {
		return ""
	}
	return string(rng.SliceBytes(src))
}

// firstLine cuts a range that holds a line end, so that what is marked is the place and not what follows.
func firstLine(rng hcl.Range, src []byte) hcl.Range {
	if rng.End.Line == rng.Start.Line {
		return rng
	}
	found := text(rng, src)
	if i := strings.IndexAny(found, "\r\n"); i >= 0 {
		found = found[:i]
	}
	rng.End = rng.Start
	rng.End.Byte += len(found)
	rng.End.Column += len([]rune(found))
	return rng
}
