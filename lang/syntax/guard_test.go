package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
)

// bomb is a file that, at the largest size that is read, overflows the stack of the parser or keeps it or the lexer busy
// for seconds to hours.
type bomb struct {
	name string
	src  string
	code diag.Code // of the only message
	also bool      // there may be more messages: the file is no bomb once it is guarded by size
}

// bombs returns files of about the given size.
func bombs(size int) []bomb {
	many := func(s string, n int) string { return strings.Repeat(s, min(n, (size-100)/len(s))) }
	all := size
	return []bomb{
		{name: "parentheses", src: "a = " + many("(", all), code: diag.TooDeep},
		{name: "closed parentheses", src: "a = " + many("(", 100_000) + "1" + many(")", 100_000), code: diag.TooDeep},
		{name: "lists", src: "a = " + many("[", all), code: diag.TooDeep},
		{name: "objects", src: "a = " + many("{a=", all), code: diag.TooDeep},
		{name: "templates", src: "a = " + many(`"${`, all), code: diag.TooDeep},
		{name: "calls", src: "a = " + many("upper(", all), code: diag.TooDeep},
		{name: "not", src: "a = " + many("!", all), code: diag.TooDeep},
		{name: "not, spread over lines", src: "a = (" + many("!\n#\n", all), code: diag.TooDeep},
		{name: "minus", src: "a = " + many("- ", all), code: diag.TooDeep},
		{name: "sums", src: "a = 1" + many("+1", all), code: diag.TooDeep},
		{name: "sums in brackets", src: "a = " + many("("+many("1+", 500), 90) + "1", code: diag.TooDeep},
		{name: "conditionals", src: "a = " + many("1?1:", all), code: diag.TooDeep},
		{name: "conditionals in the middle", src: "a = " + many("1?", all), code: diag.TooDeep},
		{name: "conditionals in brackets", src: "a = " + many("("+many("1?", 900), 99) + "1", code: diag.TooDeep},
		{name: "index steps", src: "a = b" + many("[c]", all), code: diag.TooDeep},
		{name: "splats", src: "a = b" + many("[*]", all), code: diag.TooDeep},
		{name: "scoped function names", src: "a = " + many("a::", all), code: diag.TooDeep},
		{name: "for", src: "a = " + many("[for b in ", all), code: diag.TooDeep},
		{name: "blocks", src: many("a {\n", all), code: diag.TooDeep},
		{name: "template directives", src: `a = "` + many("%{if a}", all), code: diag.TooDeep},
		{name: "template loops", src: `a = "` + many("%{for a in b}", all) + "\"\n", code: diag.TooDeep},
		{name: "heredoc with interpolation", src: "a = <<E\n" + many("${a}\n", all) + "E\n", code: diag.TooDeep},
		{name: "heredoc", src: "a = <<E\n" + many("\n", all) + "E\n", code: diag.TooDeep},
		{name: "flush heredoc", src: "a = <<-E\n" + many(" a\n", all) + "  E\n", code: diag.TooDeep},
		{name: "heredocs in heredocs", src: "a = " + many("<<E\n${\n", all), code: diag.TooDeep},
		{name: "pieces of a string", src: `a = "` + many("$a", all) + "\"\n", code: diag.TooDeep},
		{name: "a long number", src: "a = " + many("9", all), code: diag.TooDeep},
		{name: "a long name", src: many("a", all) + " = 1", code: diag.TooDeep},
		{name: "open comments", src: many("/* ", all), code: diag.TooDeep},
		{name: "open comments in strings", src: many("a = \"/*\"\n", all), code: diag.TooDeep},
		{name: "blocks kept open by errors", src: many("a {\nb = 1 }\n", all), code: diag.Syntax, also: true},
		{name: "quotes", src: many("'", all), code: diag.Syntax, also: true},
		{name: "backticks", src: many("`", all), code: diag.Syntax, also: true},
		{name: "characters without a meaning", src: many("§", all), code: diag.Syntax, also: true},
		{name: "broken UTF-8", src: many("\xff", all), code: diag.Syntax, also: true},
		{name: "new lines in strings", src: "a = \"" + many("\n", all), code: diag.Syntax},
		{name: "the same argument", src: many("a=1\n", all), code: diag.Syntax, also: true},
		{name: "labels", src: "a " + many(`"x" `, all) + "{}\n", code: diag.UnexpectedBlock, also: true},
		{name: "arguments of a call", src: "a = f(" + many("1,", all) + ")\n", code: diag.UnexpectedArg, also: true},
		{name: "steps of a path", src: "a = b" + many(".c", all) + "\n", code: diag.UnexpectedArg, also: true},
		{name: "empty lines", src: "a = [" + many("\n", all) + "]\n", code: diag.UnexpectedArg, also: true},
		{name: "empty lines in brackets", src: "a = " + many("(", 90) + "1" + many("\n", all-400) + many(")", 90) + "\n", code: diag.UnexpectedArg, also: true},
		{name: "comments", src: "a = [" + many("/**/", all) + "]\n", code: diag.UnexpectedArg, also: true},
		{name: "combining characters", src: "a = \"" + many("\u0301", all) + "\"\n", code: diag.UnexpectedArg, also: true},
		{name: "too large", src: strings.Repeat("# a comment\n", 30_000), code: diag.FileTooLarge},
		{name: "NUL", src: "a = \"\x00\"\n", code: diag.InvisibleChar},
		{name: "NULs", src: many("\x00\n", all), code: diag.InvisibleChar, also: true},
		{name: "bidi", src: "a = \"\u202e\"\n", code: diag.InvisibleChar},
		{name: "bidi in a comment", src: "# \u2066\n", code: diag.InvisibleChar},
		{name: "a mark in the middle", src: "a = 1\n\ufeff", code: diag.InvisibleChar},
		{name: "UTF-16", src: "\xff\xfea\x00 \x00=\x00", code: diag.InvisibleChar},
	}
}

func TestBombs(t *testing.T) {
	for _, b := range bombs(32 << 10) {
		t.Run(b.name, func(t *testing.T) {
			files := map[string][]byte{"x.hcl": []byte(b.src)}
			p, diags := Parse(files)
			codesAndPlaces(t, files, diags)
			if len(p.Recipes) > 0 {
				t.Errorf("recipes %v", p.Recipes)
			}
			found := false
			for _, d := range diags {
				m, _ := diag.MetaOf(d)
				found = found || m.Code == b.code
			}
			if !found || len(diags) > 1 && !b.also || len(diags) > 2*maxSyntaxErrors {
				t.Errorf("%d messages: %v", len(diags), diags)
			}
		})
	}
}

// What is large but honest passes.
func TestGuardLetsHonestFilesPass(t *testing.T) {
	var wide strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&wide, "action \"a\" \"b%d\" {\n  x = 1 + 2\n}\n", i)
	}
	for name, src := range map[string]string{
		"empty":              "",
		"a byte order mark":  "\ufeffa = 1\n",
		"wide":               wide.String(),
		"99 brackets":        "a = " + strings.Repeat("[", 99) + strings.Repeat("]", 99) + "\n",
		"1000 operators":     "a = 1" + strings.Repeat("+1", 1000) + "\nb = 1" + strings.Repeat("+1", 1000) + "\n",
		"operators in items": "a = [" + strings.Repeat("1 + 1,\n", 5000) + "]\n",
		"a long text":        "a = <<EOT\n" + strings.Repeat("A line of a letter.\n", 4_900) + "EOT\n",
		"directives in turn": "a = \"" + strings.Repeat("%{if b}x%{endif}", 200) + "\"\n",
		"emoji":              "a = \"👩\u200d💻 ‏שלום‎\"\n",
		"comments":           strings.Repeat("/* a */\n", 1000),
		"globs":              strings.Repeat("a = \"src/**/*.go\"\n", 200),
		"negations":          "a = " + strings.Repeat("!b && ", 300) + "!b\n",
	} {
		t.Run(name, func(t *testing.T) {
			if diags := Guard([]byte(src), "x.hcl"); len(diags) > 0 {
				t.Error(diags)
			}
		})
	}
}

func TestInvisiblePlaces(t *testing.T) {
	src := "a = 1\nb = \"é\u202ex\"\nc = \"\u200b\u200b\"\n"
	diags := Guard([]byte(src), "x.hcl")
	if len(diags) != 2 {
		t.Fatalf("got %v", diags)
	}
	want := hcl.Range{Filename: "x.hcl", Start: hcl.Pos{Line: 2, Column: 7, Byte: 13}, End: hcl.Pos{Line: 2, Column: 8, Byte: 16}}
	if *diags[0].Subject != want {
		t.Errorf("got %#v, want %#v", *diags[0].Subject, want)
	}
	if !strings.Contains(diags[0].Detail, "U+202E") || !strings.Contains(diags[0].Detail, `\u202e`) {
		t.Error(diags[0].Detail)
	}
}

// Guard must say in linear time what it says; compare the throughput of the bombs with that of the recipe.
// TestGuardReadsOnNoFurtherThanNeeded holds what the beginning of a file says against what the whole file says: the cut
// must not make a difference, wherever it goes through.
func TestGuardReadsOnNoFurtherThanNeeded(t *testing.T) {
	sources := map[string]string{
		"a comment over the cut": "/*" + strings.Repeat("(((((((((( ", 2_000) + "*/\n",
		"a string over the cut":  "a = \"" + strings.Repeat("(((((((((( ", 2_000) + "\"\n",
		"a heredoc":              "a = <<E\n" + strings.Repeat("(((((((((( \n", 2_000) + "E\n",
		"a line comment":         "# " + strings.Repeat("(((((((((( ", 2_000) + "\n",
		"operators":              strings.Repeat("a = 1 == 2 && 3 <= 4 ? \"§$${b}\" : \"${c}\" # é\n", 900),
		"mistakes late":          strings.Repeat("a = \"x\"\n", 1_100) + "b = )\n" + strings.Repeat("a = 1\n", 2_000),
	}
	for _, b := range bombs(16 << 10) {
		sources[b.name] = b.src
	}
	early := 0
	for name, src := range sources {
		tokens, _ := hclsyntax.LexConfig([]byte(src), "x.hcl", hcl.InitialPos)
		whole := inspect(tokens, len(tokens))
		for cut := min(len(src), 8<<10); cut > 8<<10-36 && cut > 0; cut -= 5 {
			d := beginning([]byte(src[:cut]), "x.hcl")
			if d == nil {
				continue
			}
			early++
			if whole == nil || *d.Subject != *whole.Subject || d.Detail != whole.Detail {
				t.Errorf("%s, cut at %d: %v, but of the whole file %v", name, cut, d, whole)
				break
			}
		}
	}
	if early < 100 {
		t.Errorf("only %d cuts were enough to refuse a file", early)
	}
}

func BenchmarkParse(b *testing.B) {
	honest := bomb{name: "an honest file", src: strings.Repeat("action \"customerio_track\" {\n  id   = trigger.customer\n  name = \"payment_failed\"\n}\n\n", 2500)}
	for _, bomb := range append(bombs(MaxFileBytes), honest) {
		b.Run(bomb.name, func(b *testing.B) {
			files := map[string][]byte{"x.hcl": []byte(bomb.src)}
			b.SetBytes(int64(len(bomb.src)))
			for b.Loop() {
				Parse(files)
			}
		})
	}
}

func FuzzGuard(f *testing.F) {
	for _, b := range bombs(500) {
		f.Add([]byte(b.src[:min(len(b.src), 500)]))
	}
	for _, e := range diag.Table() {
		f.Add([]byte(e.Bad))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		diags := Guard(src, "x.hcl")
		codesAndPlaces(t, map[string][]byte{"x.hcl": src}, diags)
		// A file that passes nests no deeper than allowed, counted without the lexer: no string can hide that the
		// brackets outside of strings and comments are more.
		if !diags.HasErrors() && strings.Count(string(src), "(") > maxNesting {
			depth, deepest := 0, 0
			if strings.ContainsAny(string(src), "\"#</") {
				return
			}
			for _, c := range src {
				switch c {
				case '(':
					depth++
				case ')':
					depth--
				}
				deepest = max(deepest, depth)
			}
			if deepest > maxNesting {
				t.Fatalf("%d parentheses pass", deepest)
			}
		}
	})
}
