package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/flowrun/flowrun/lang/diag"
)

// Authors name things in their own words: a canceled subscription, a failed payment. The vendor has other words for
// them, in another order. A name is therefore taken apart into words, each of which stands for all that mean the same.

// synonyms are words that mean the same where something is named. A word may be in several groups.
var synonyms = [...][]string{
	{"canceled", "cancelled", "cancel", "deleted", "delete", "removed", "remove", "ended", "churned", "terminated", "cancellation"},
	{"failed", "fail", "failure", "declined", "error", "rejected", "unsuccessful"},
	{"succeeded", "succeed", "paid", "success", "successful", "completed", "complete", "received"},
	{"created", "create", "new", "added", "started", "opened", "registered", "signup"},
	{"attached", "added", "linked"},
	{"updated", "update", "changed", "change", "modified", "edited"},
	{"retrieve", "get", "fetch", "read", "lookup"},
	{"retrieve", "find", "lookup", "search"},
	{"identify", "upsert", "create"},
	{"charge", "payment", "transaction"},
	{"customer", "user", "client", "buyer", "person", "contact"},
	{"dispute", "disputed", "chargeback"},
	{"refunded", "refund", "reimbursed", "refunding"},
	{"end", "ending", "ended", "expiring", "expires", "over"},
	{"email", "mail", "message"},
	{"send", "sent", "deliver"},
	{"track", "record", "event", "log"},
}

// persons are words that an author puts into a name and a vendor whose every name is about a person leaves out.
var persons = []string{"user", "person", "contact", "profile"}

// extras are words that a vendor puts into a name and an author leaves out, with what they cost; others cost 2.
func extraCost(word string) int {
	switch word {
	case "customer", "will":
		return 0
	case "charge", "created", "session":
		return 1
	}
	return 2
}

// wordsOf takes a name apart, at capital letters too, in lower case and without the s of a plural.
func wordsOf(name string) []string {
	var b strings.Builder
	last := 'A'
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		last = r
		b.WriteRune(unicode.ToLower(r))
	}
	words := strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		if len(w) > 4 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") {
			words[i] = w[:len(w)-1]
		}
	}
	return words
}

func meansSame(a, b string) bool {
	return slices.ContainsFunc(synonyms[:], func(group []string) bool { return slices.Contains(group, a) && slices.Contains(group, b) })
}

// far returns how far a candidate is from what the words mean; ok is false where a word is not in it.
func far(words []string, candidate string) (cost int, ok bool) {
	rest := wordsOf(candidate)
	take := func(same func(string) bool) bool {
		i := slices.IndexFunc(rest, same)
		if i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		}
		return i >= 0
	}
	var open []string
	for _, w := range words {
		if !take(func(r string) bool { return r == w }) {
			open = append(open, w)
		}
	}
	for _, w := range open {
		if !take(func(r string) bool { return meansSame(r, w) }) && !slices.Contains(persons, w) {
			return 0, false
		}
		cost++
	}
	for _, r := range rest {
		cost += extraCost(r)
	}
	return cost, true
}

// suggestions returns the candidates that an author may have meant by name, the likeliest first: three at most.
func suggestions(name string, candidates []string) []string {
	type near struct {
		name string
		cost int
	}
	var found []near
	words := wordsOf(name)
	if len(words) > 0 && len(name) <= 64 {
		for _, c := range candidates {
			if cost, ok := far(words, c); ok && c != name && cost <= 2*len(words) {
				found = append(found, near{c, cost})
			}
		}
	}
	slices.SortFunc(found, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, f := range found {
		if len(out) < 3 && f.cost <= found[0].cost+3 {
			out = append(out, f.name)
		}
	}
	if s := diag.Suggest(name, candidates); len(out) == 0 && s != "" {
		out = append(out, s)
	}
	return out
}

// suggest returns the likeliest of the candidates, or "".
func suggest(name string, candidates []string) string {
	if list := suggestions(name, candidates); len(list) > 0 {
		return list[0]
	}
	return ""
}

// didYouMean asks for what was meant, or returns "".
func didYouMean(name string, candidates []string) string {
	list := quoteEach(suggestions(name, candidates))
	switch n := len(list); n {
	case 0:
		return ""
	case 1:
		return " Did you mean " + list[0] + "?"
	default:
		return fmt.Sprintf(" Did you mean %s or %s?", strings.Join(list[:n-1], ", "), list[n-1])
	}
}
