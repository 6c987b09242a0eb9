package diag

import (
	"slices"
	"strings"
)

// Names longer than this are not compared: the comparison is quadratic in their length, and nobody means a mistyped
// novel.
const longestSuggestion = 64

// Suggest returns the candidate that the author most likely meant by name, or "" when none is near. Case, '-' and '_'
// and the order of the words between them count for nothing; else a few letters may be wrong, missing, surplus or
// swapped, the more the longer the name. Of equally near candidates the first in alphabetical order is returned, so
// that the order of candidates does not matter.
func Suggest(name string, candidates []string) string {
	if name == "" || len(name) > longestSuggestion {
		return ""
	}
	folded, words := fold(name), sortedWords(name)
	best, bestDistance := "", 1+tolerance(len(folded))
	for _, candidate := range candidates {
		if candidate == "" || candidate == name || len(candidate) > longestSuggestion {
			continue
		}
		d := distance(folded, fold(candidate))
		if d > 0 && words == sortedWords(candidate) {
			d = 1
		}
		if d < bestDistance || d == bestDistance && best != "" && candidate < best {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// DidYouMean returns ` Did you mean "x"?`, to be put behind a sentence, or "" when no candidate is near.
func DidYouMean(name string, candidates []string) string {
	if s := Suggest(name, candidates); s != "" {
		return ` Did you mean "` + s + `"?`
	}
	return ""
}

// tolerance is how many edits a name of so many bytes may be away.
func tolerance(n int) int {
	switch {
	case n <= 2:
		return 0
	case n <= 4:
		return 1
	case n <= 8:
		return 2
	}
	return 3
}

func isSeparator(r rune) bool { return r == '-' || r == '_' || r == ' ' || r == '.' }

func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if isSeparator(r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

func sortedWords(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), isSeparator)
	slices.Sort(words)
	return strings.Join(words, "_")
}

// distance is the Damerau-Levenshtein distance in its optimal string alignment form: insertions, deletions,
// substitutions and swaps of neighbours, no place edited twice.
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	var prev2 []int
	prev := make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		row := make([]int, len(rb)+1)
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, prev[j]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev = prev, row
	}
	return prev[len(rb)]
}
