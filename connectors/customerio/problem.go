package customerio

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
)

// problem reads an error, which comes in four shapes: {meta:{errors:[text]}} from Track, {meta:{error:text}} from
// sends, {errors:[{detail,status,source:{pointer}}]} from the rest of the App API; the second version of Track has
// {errors:[{reason,field,message}]}.
func problem(status int, _ http.Header, body []byte) (message, code string) {
	if status >= 300 && status < 400 {
		return `answered with a redirect, which is not followed: the account is in the other region, see the setting "region"`, ""
	}
	var answer struct {
		Meta struct {
			Error  string   `json:"error"`
			Errors []string `json:"errors"`
		} `json:"meta"`
		Errors []struct {
			Detail  string `json:"detail"`
			Message string `json:"message"`
			Reason  string `json:"reason"`
			Field   string `json:"field"`
			Source  struct {
				Pointer string `json:"pointer"`
			} `json:"source"`
		} `json:"errors"`
	}
	// A member of another type than expected leaves the others readable; a body that is no JSON leaves nothing.
	_ = json.Unmarshal(body, &answer)
	var texts []string
	if answer.Meta.Error != "" {
		texts = append(texts, answer.Meta.Error)
	}
	texts = append(texts, answer.Meta.Errors...)
	for _, e := range answer.Errors {
		text := cmp.Or(e.Detail, e.Message, e.Reason)
		if at := cmp.Or(e.Source.Pointer, e.Field); at != "" {
			text = strings.TrimSpace(text + " (at " + at + ")")
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; "), ""
}
