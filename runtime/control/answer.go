package control

import (
	"bytes"
	"encoding/json"
	"net/http"
)

func problem(status int, code, message string) *Problem {
	return &Problem{Code: code, Message: message, status: status}
}

// Error makes a Problem an error, so that a handler can return it.
func (p *Problem) Error() string { return p.Message }

func writeProblem(w http.ResponseWriter, p *Problem) { writeJSON(w, p.status, problemBody{Error: *p}) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"error":{"code":"internal","message":"the answer can't be encoded"}}` + "\n")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The asker hung up; there is nobody to tell.
	_, _ = w.Write(b.Bytes())
}

// plainErrors turns what http.ServeMux itself answers (404 and 405, as plain text) into the API's form.
type plainErrors struct {
	http.ResponseWriter
	replaced bool
}

func (p *plainErrors) WriteHeader(status int) {
	if p.Header().Get("Content-Type") == "text/plain; charset=utf-8" {
		switch status {
		case http.StatusNotFound:
			p.replaced = true
			writeProblem(p.ResponseWriter, problem(status, "not_found", "there is nothing at this path; /api/v1/openapi.json lists what there is"))
			return
		case http.StatusMethodNotAllowed:
			p.replaced = true
			writeProblem(p.ResponseWriter, problem(status, "method", "this path takes "+p.Header().Get("Allow")))
			return
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *plainErrors) Write(b []byte) (int, error) {
	if p.replaced {
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (p *plainErrors) Unwrap() http.ResponseWriter { return p.ResponseWriter }
