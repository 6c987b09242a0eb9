// Package picsiofake is Pics.io in memory, as far as flowrun speaks to it: a tree of collections, and lists of custom
// fields and keywords. Its paths are what flowrun takes for likely; what the vendor's are is not published.
package picsiofake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Collection is one of the library.
type Collection struct {
	ID       string  `json:"_id"`
	Name     string  `json:"name"`
	ParentID *string `json:"parentId"` // nil of the root
}

const root = "58dd4ac1e5d0d4d4a4b7a600"

// Fake is an http.Handler.
type Fake struct {
	// OnCall is told of each call and may be nil.
	OnCall func(method, path, body string, status int)

	// Paths are where the fake answers, by where it would otherwise: "/keywords": "/v2/keywords". It may be nil.
	Paths map[string]string

	mu          sync.Mutex
	collections []Collection
}

// Collections returns what was created, in order.
func (f *Fake) Collections() []Collection {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Collection(nil), f.collections...)
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	status, answer := f.answer(r, raw)
	if f.OnCall != nil {
		f.OnCall(r.Method, r.URL.Path, string(raw), status)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (f *Fake) answer(r *http.Request, raw []byte) (int, string) {
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !ok || key == "" {
		return http.StatusUnauthorized, `{"msg":"the key is not right"}`
	}
	switch r.Method + " " + r.URL.Path {
	case "GET " + f.at("/collections/root"):
		return http.StatusOK, text(Collection{ID: root, Name: "My collections"})
	case "POST " + f.at("/collections"):
		return f.create(raw)
	case "GET " + f.at("/customFields"):
		return http.StatusOK, `{"customFields":[{"_id":"58dd4ac1e5d0d4d4a4b7a6c3","title":"Photographer","type":"text"}]}`
	case "GET " + f.at("/keywords"):
		return http.StatusOK, `[{"_id":"58dd4ac1e5d0d4d4a4b7a6d4","name":"beach","parentId":null}]`
	}
	return http.StatusNotFound, `{"msg":"there is no such path"}`
}

func (f *Fake) at(path string) string {
	if other := f.Paths[path]; other != "" {
		return other
	}
	return path
}

func (f *Fake) create(raw []byte) (int, string) {
	var in Collection
	if err := json.Unmarshal(raw, &in); err != nil || in.Name == "" {
		return http.StatusBadRequest, `{"message":"a collection needs a name"}`
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	parent := root
	if in.ParentID == nil {
		in.ParentID = &parent
	} else if !f.has(*in.ParentID) {
		return http.StatusNotFound, `{"message":"there is no such parent"}`
	}
	in.ID = fmt.Sprintf("%s%02d", root[:22], len(f.collections)+1)
	f.collections = append(f.collections, in)
	return http.StatusOK, text(in)
}

func (f *Fake) has(id string) bool {
	for _, c := range f.collections {
		if c.ID == id {
			return true
		}
	}
	return id == root
}

func text(c Collection) string {
	raw, err := json.Marshal(c)
	if err != nil { // strings always marshal
		return "{}"
	}
	return string(raw)
}
