package control

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// pageRuns is how many runs the page shows.
const pageRuns = 25

//go:embed page.html
var pageSource string

// pageTemplate is parsed once; a template that can't be is a fault that the first test finds.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"at":       pageTime,
	"standing": func(r Run) string { return r.Standing(pageTime) },
	"short":    short,
	"ms":       func(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() },
	"size":     size,
	"livemode": func(live *bool) string {
		switch {
		case live == nil:
			return ""
		case *live:
			return ", live"
		}
		return ", test"
	},
}).Parse(pageSource))

func pageTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

type pageData struct {
	Status  *Status
	Uptime  string
	Recipes []Recipe
	Runs    []Run
}

func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	status, err := h.currentStatus(r.Context())
	if err != nil {
		writeProblem(w, h.problem(r, err))
		return
	}
	data := pageData{Status: status, Uptime: (time.Duration(status.UptimeMS) * time.Millisecond).Round(time.Second).String()}
	if h.cfg.Engine != nil {
		data.Recipes = h.cfg.Engine.Recipes()
	}
	runs, err := h.cfg.Store.Runs(r.Context(), runtime.RunQuery{Limit: pageRuns})
	if err != nil {
		writeProblem(w, h.problem(r, err))
		return
	}
	for _, run := range runs {
		data.Runs = append(data.Runs, runJSON(run))
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, data); err != nil {
		writeProblem(w, h.problem(r, err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// The asker hung up; there is nobody to tell.
	_, _ = w.Write(b.Bytes())
}

// short is the part of a digest or id that people compare.
func short(s string) string {
	if len(s) > 12 {
		return s[:12]
	}
	return s
}

// size is a number of bytes for people.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[i]
}
