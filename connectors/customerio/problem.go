package customerio

import (
	"encoding/json"
	"net/http"
	"strings"
)

// problem reads an error, which comes in three shapes: {meta:{errors:[text]}} from Track, {meta:{error:text}} from
// sends, {errors:[{detail,status,source:{pointer}}]} from the rest of the App API.
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
			Detail string `json:"detail"`
			Source struct {
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
		text := e.Detail
		if e.Source.Pointer != "" {
			text = strings.TrimSpace(text + " (at " + e.Source.Pointer + ")")
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; "), ""
}
