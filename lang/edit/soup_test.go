package edit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Files made of statements in any order and of any indent. The fuzzer finds it hard to make a file that parses out of
// bytes; this makes nothing else.
func TestFormatSoup(t *testing.T) {
	// The seed is fixed, so that what fails once fails again.
	random := rand.New(rand.NewPCG(1, 2))
	for range iterations {
		formattedIsStable(t, soup(random))
		if t.Failed() {
			return
		}
	}
}

const iterations = 500

func soup(random *rand.Rand) []byte {
	values := []string{
		"1", "-1", `"x"`, `"a ${ b+c } d"`, `"${a}"`, `"%{ if a }b%{else}c%{ endif }"`, "[]", "[1,2]", "[\n1,\n2\n]", "[ # c\n1,\n # d\n 2 ]", "{}", "{ a=1 }",
		"{\n a=1\n b : 2,\n # c\n\n\n \"d\" = 3 # e\n}", "(\n1\n+\n2\n)", "a ?b:c", "[for a,b in c:a if b]", "{for a in b:a=>a...}", "f(1,2,g...)", "f(\n1,\n2,\n)",
		"!a&&!b", "a[0].b[\"c\"].*.d", "a[*].b", "a - -b", "<<E\n x ${ a }\n\n # no comment\nE", "<<-E\n    x\n  y\n  E", "1 /* a\n b */", "null", "x::y(1)",
	}
	trivia := []string{"\n", "\n\n\n", "# a\n", "// b  \n", "/* c */\n", "/* d\n    e */\n", "", "", "", " \t\n"}
	comments := []string{"", "", " # f", "# g  ", " /* h */", "\t// i"}
	labels := []string{"", " l", ` "m n"`, ` "o" p`}
	ends := []string{"\n", "\n", "\n", "\r\n"}
	end := ends[random.IntN(len(ends))]
	pick := func(from []string) string { return from[random.IntN(len(from))] }

	var b strings.Builder
	depth, count := 0, 0
	for range random.IntN(12) {
		b.WriteString(pick(trivia) + strings.Repeat(" ", random.IntN(7)))
		count++
		switch random.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "block%s {%s\n", pick(labels), pick(comments))
			depth++
		case 1:
			fmt.Fprintf(&b, "block%s {}%s\n", pick(labels), pick(comments))
		case 2:
			fmt.Fprintf(&b, "block%s { a%s= 1 }%s\n", pick(labels), strings.Repeat("b", random.IntN(9)), pick(comments))
		case 3:
			if depth > 0 {
				depth--
				fmt.Fprintf(&b, "}%s\n", pick(comments))
			}
		default:
			value := pick(values)
			comment := pick(comments)
			if strings.HasPrefix(value, "<<") {
				comment = "" // nothing may follow the end of a text
			}
			fmt.Fprintf(&b, "a%d%s=%s%s\n", count, strings.Repeat("b", random.IntN(9)), value, comment)
		}
	}
	b.WriteString(strings.Repeat("}\n", depth) + pick(trivia))
	src := strings.ReplaceAll(strings.ReplaceAll(b.String(), "\r\n", "\n"), "\n", end)
	if random.IntN(3) == 0 {
		src = strings.TrimRight(src, "\r\n")
	}
	return []byte(src)
}
