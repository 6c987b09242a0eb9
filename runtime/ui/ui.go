// Package ui is the page that operators look at: files for a browser, built from web/ by Vite, kept beside their sources
// and embedded here, so that building flowrun needs no Node. They hold no data: what the page shows it asks of the
// control door's API, under whatever name and role the one who looks has there.
//
// The package decides nothing and knows no record; it serves files.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed dist
var dist embed.FS

// policy is what the page may do: load its own files and ask its own server, and nothing else. It is shown in no frame,
// sends no form, and makes no script out of text.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// views are the first parts of the paths at which the page shows something; each is answered with the same document.
var views = [...]string{"", "runs", "events", "recipes", "failures", "waiting", "connections", "catalog", "audit", "sign-in"}

// file is one file as it is sent.
type file struct {
	kind   string // media type
	tag    string // of its bytes, for If-None-Match
	plain  []byte
	packed []byte // the same in gzip; nil where that is no shorter
}

// Handler serves the page: the document at the path of every view, and its files under /assets/.
type Handler struct {
	document *file
	assets   map[string]*file // by path
}

var _ http.Handler = (*Handler)(nil)

// New returns the page. What is embedded can always be read and packed; it panics where that is no page, which is a
// fault that the first test finds.
func New() *Handler {
	h := &Handler{assets: map[string]*file{}}
	err := fs.WalkDir(dist, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		switch at := strings.TrimPrefix(name, "dist"); {
		case at == "/index.html":
			h.document, err = newFile(name, raw)
		case strings.HasPrefix(at, "/assets/"):
			h.assets[at], err = newFile(name, raw)
		}
		return err
	})
	if err != nil || h.document == nil {
		panic(fmt.Sprintf("ui: what is embedded is no page: %v", err))
	}
	return h
}

func newFile(name string, raw []byte) (*file, error) {
	sum := sha256.Sum256(raw)
	f := &file{kind: kindOf(name), tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, plain: raw}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() < len(raw) {
		f.packed = b.Bytes()
	}
	return f, nil
}

// kindOf is the media type of a file. What a system's own table says of scripts varies, and one of another type is not
// run.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the page is only read; the API is under /api/v1/", http.StatusMethodNotAllowed)
		return
	}
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	if strings.HasPrefix(r.URL.Path, "/assets/") {
		f := h.assets[r.URL.Path]
		if f == nil {
			http.NotFound(w, r)
			return
		}
		// Its name has a hash of its content.
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
		f.serve(w, r, http.StatusOK)
		return
	}
	header.Set("Cache-Control", "no-cache")
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case slices.Contains(views[:], first):
		h.document.serve(w, r, http.StatusOK)
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		h.document.serve(w, r, http.StatusNotFound) // it says so, and leads back
	default:
		http.NotFound(w, r)
	}
}

// serve answers with the file.
func (f *file) serve(w http.ResponseWriter, r *http.Request, status int) {
	header := w.Header()
	header.Set("Content-Type", f.kind)
	header.Set("Vary", "Accept-Encoding")
	header.Set("ETag", f.tag)
	if status == http.StatusOK && r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.packed != nil && takesGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		// The asker hung up; there is nobody to tell.
		_, _ = w.Write(body)
	}
}

func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if strings.EqualFold(name, "gzip") && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
