package runtime

import "strings"

// FieldValue is the text by which a value is found: an e-mail address in lower case, anything else as it is. Both who
// makes fields and who asks for them use it.
func FieldValue(text string) string {
	if strings.Contains(text, "@") {
		return strings.ToLower(text)
	}
	return text
}
