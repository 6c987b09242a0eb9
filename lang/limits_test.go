package lang_test

// The limits of the promise: what docs/language.md lists under "What only a value tells" is what the property tests
// excuse, so that the page says neither less nor more than what is so.

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/lang/eval"
)

// limit is a row of the table: one of these may fail for a value, and then says one of those.
type limit struct{ what, says []string }

// limits also counts how often each row was needed.
type limits struct {
	rows []limit
	used []int
}

var (
	quoted  = regexp.MustCompile("`([^`]+)`")
	ofTypes = regexp.MustCompile(`Invalid template interpolation value|Unsupported attribute|Invalid index|Invalid function argument|Invalid operand|Inconsistent conditional`)
)

func readLimits(t *testing.T) *limits {
	t.Helper()
	page, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "### What only a value tells")
	rest, _, _ = strings.Cut(rest, "\n#")
	l := &limits{}
	for line := range strings.Lines(rest) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || strings.Contains(cells[0], "---") || strings.Contains(cells[1], "fails where") {
			continue
		}
		l.rows = append(l.rows, limit{what: codeIn(cells[0]), says: codeIn(cells[2])})
	}
	l.used = make([]int, len(l.rows))
	if len(l.rows) < 20 {
		t.Fatalf("the page lists %d limits", len(l.rows))
	}
	return l
}

func codeIn(cell string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// excuse reports whether a failure is one that the page lists, in a recipe that has what the page says may fail.
func (l *limits) excuse(recipe string, err error) bool {
	for n, row := range l.rows {
		has := func(name string) bool {
			switch name {
			case "/", "%", "+", "-", "*":
				return strings.Contains(recipe, " "+name+" ")
			case "for":
				return strings.Contains(recipe, "{ for ") || strings.Contains(recipe, "{for ")
			}
			return strings.Contains(recipe, name+"(")
		}
		says := func(text string) bool { return strings.Contains(err.Error(), text) }
		if len(row.says) > 0 {
			if (len(row.what) == 0 || slices.ContainsFunc(row.what, has)) && slices.ContainsFunc(row.says, says) {
				l.used[n]++
				return true
			}
			continue
		}
		free := slices.ContainsFunc(row.what, has) || strings.Contains(recipe, "trigger.raw") // which is free-form
		if free && ofTypes.MatchString(err.Error()) {
			l.used[n]++
			return true
		}
	}
	return false
}

// TestLimits holds the names in the list against the functions that there are.
func TestLimits(t *testing.T) {
	table := eval.Table()
	for _, row := range readLimits(t).rows {
		for _, name := range row.what {
			if _, ok := table[name]; !ok && len(name) > 1 && name != "for" {
				t.Errorf("the page lists %q, which is no function", name)
			}
		}
	}
}
