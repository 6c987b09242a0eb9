package control

// What can be told of a value that nobody has declared.

import (
	"regexp"
	"strings"
)

// tellingNames are parts of the names of members that tell of a person.
var tellingNames = [...]string{"name", "mail", "phone", "mobile", "address", "street", "line1", "line2", "city", "town", "zip",
	"postal", "postcode", "birth", "dob", "gender", "iban", "card", "account_number", "tax", "ssn", "passport", "password",
	"secret", "token", "ip", "user", "contact", "recipient"}

func tellsByName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range tellingNames {
		if strings.Contains(name, part) && (part != "ip" || name == "ip" || strings.HasSuffix(name, "_ip") || strings.HasPrefix(name, "ip_")) {
			return true
		}
	}
	return false
}

var (
	// secretPattern is what says of itself that it lets somebody in, whatever its field is called.
	secretPattern = regexp.MustCompile(`(?:\b(?:sk|rk|whsec|ek)_[A-Za-z0-9_]{8,}|_secret_[A-Za-z0-9]{8,})`)

	// harmlessPattern is an identifier as vendors make them, a short number, a moment, or a word that is no name.
	harmlessPattern = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`[a-z][a-z0-9]*(?:_[a-z]+)*_[A-Za-z0-9]{8,}`,
		`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
		`[0-9A-HJKMNP-TV-Z]{26}`,
		`[0-9a-f]{16,64}`,
		`-?[0-9]{1,6}(?:\.[0-9]{1,6})?`,
		`[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?`,
		`true|false|yes|no|on|off|null|none`,
	}, `|`) + `)$`)
	anyDigit = regexp.MustCompile(`[0-9]`)
)

func secretLike(s string) bool { return secretPattern.MatchString(s) }

// harmless reports whether a text can't tell of a person. An identifier has a digit, which names have not.
func harmless(s string) bool {
	return harmlessPattern.MatchString(s) && (anyDigit.MatchString(s) || !strings.Contains(s, "_"))
}
