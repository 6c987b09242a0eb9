package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is what one person has open, with cookies of his own.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	wrong    []string // what the browser complained of, and requests that went elsewhere
	requests []string
}

// helpers are what tests find things on the page by: as people do, by what is written on them.
const helpers = `
window.__visible = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
window.__named = (e) => (e.getAttribute('aria-label') ?? e.labels?.[0]?.innerText ?? e.innerText ?? '').replace(/\s+/g, ' ').trim();
window.__find = (selector, name) => [...document.querySelectorAll(selector)].filter(window.__visible)
	.sort((a, b) => window.__named(a).length - window.__named(b).length).find((e) => window.__named(e).includes(name));
window.__text = (selector) => [...document.querySelectorAll(selector)].filter(window.__visible).map((e) => e.innerText).join('\n');
`

// open opens a tab on a site.
func (s *site) open(path string) *tab {
	s.t.Helper()
	ctx, closeTab := chromedp.NewContext(common.browser, chromedp.WithNewBrowserContext())
	s.t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	s.t.Cleanup(cancel)
	p := &tab{t: s.t, ctx: ctx, base: s.base}
	p.do(chromedp.Navigate("about:blank"))
	p.watch()
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: helpers}); err != nil {
		s.t.Fatal(err)
	}
	p.size(1440, 900)
	p.visit(path)
	return p
}

// watch gathers what goes wrong in the browser.
func (p *tab) watch() {
	note := func(format string, args ...any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
	}
	requests, thrown, logged := chromedp.Events(p.ctx, network.RequestWillBeSent), chromedp.Events(p.ctx, runtime.ExceptionThrown), chromedp.Events(p.ctx, log.EntryAdded)
	go func() {
		for ev, err := range requests {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.requests = append(p.requests, ev.Request.Method+" "+ev.Request.URL)
			p.mu.Unlock()
			if u, err := url.Parse(ev.Request.URL); err != nil || u.Scheme+"://"+u.Host != p.base && u.Scheme != "about" && u.Scheme != "data" {
				note("it asks elsewhere: %s", ev.Request.URL)
			}
		}
	}()
	go func() {
		for ev, err := range thrown {
			if err != nil {
				return
			}
			text := ev.ExceptionDetails.Text
			if ev.ExceptionDetails.Exception != nil {
				text += " " + ev.ExceptionDetails.Exception.Description
			}
			note("it throws: %s", text)
		}
	}()
	go func() {
		for ev, err := range logged {
			if err != nil {
				return
			}
			// That a look was refused or found nothing is the server's answer and no fault of the page.
			if (ev.Entry.Level == "error" || ev.Entry.Source == "security") && ev.Entry.Source != "network" {
				note("the browser complains: %s", ev.Entry.Text)
			}
		}
	}()
}

// complaints returns what has gone wrong so far.
func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.wrong...)
}

func (p *tab) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.requests...)
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) size(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

func (p *tab) visit(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// eval returns the value of an expression, which may be a promise.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return `""`
	}
	return string(raw)
}

// until waits until an expression is true. The page looks, so that nothing is asked of it from outside meanwhile; a page
// that is left for another is asked again.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	loop := fmt.Sprintf(`new Promise((done) => {
		const end = Date.now() + 2000;
		const look = () => { let is = false; try { is = Boolean(%s); } catch {} if (is || Date.now() > end) done(is); else setTimeout(look, 25); };
		look();
	})`, expression)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		is, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](loop, chromedp.EvalAwaitPromise))
		if err == nil && is {
			return
		}
		if p.ctx.Err() != nil {
			break
		}
	}
	p.t.Fatalf("it never comes: %s\nat %s the page says:\n%s\n%s", what, p.at(), p.text("body"), strings.Join(p.complaints(), "\n"))
}

// sees waits until a text is to be seen.
func (p *tab) sees(text string) { p.t.Helper(); p.seesIn("body", text) }

// seesIn waits until a text is to be seen in one of the elements.
func (p *tab) seesIn(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%q in %s", text, selector), fmt.Sprintf(`__text(%s).includes(%s)`, quoted(selector), quoted(text)))
}

// misses waits until a text is not to be seen.
func (p *tab) misses(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%q gone from %s", text, selector), fmt.Sprintf(`!__text(%s).includes(%s)`, quoted(selector), quoted(text)))
}

// lists waits until so many rows are listed.
func (p *tab) lists(rows int) {
	p.t.Helper()
	p.until(fmt.Sprintf("%d rows", rows), fmt.Sprintf(`document.querySelectorAll('main a.row-link').length === %d`, rows))
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf(`__text(%s)`, quoted(selector)))
}

// at is the path and the query that the tab is at.
func (p *tab) at() string {
	p.t.Helper()
	return eval[string](p, `location.pathname + location.search`)
}

// click clicks with the mouse on what has a text written on it.
func (p *tab) click(selector, name string) {
	p.t.Helper()
	found := fmt.Sprintf(`__find(%s, %s)`, quoted(selector), quoted(name))
	p.until(fmt.Sprintf("%s %q to click on", selector, name), fmt.Sprintf(`%s && !%s.disabled`, found, found))
	at := eval[[]float64](p, fmt.Sprintf(`(() => { const e = %s; e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, found))
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// into types into the field of a label.
func (p *tab) into(label, text string) {
	p.t.Helper()
	found := fmt.Sprintf(`__find('input, textarea', %s)`, quoted(label))
	p.until(fmt.Sprintf("field %q", label), found)
	eval[bool](p, fmt.Sprintf(`(() => { const e = %s; e.focus(); e.select(); return true; })()`, found))
	p.press(text)
}

// press presses keys, one after the other. Each is one event of the browser, so that what the page keeps for itself is
// not typed as well.
func (p *tab) press(keys string) {
	p.t.Helper()
	for _, r := range keys {
		down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: string(r), Text: string(r)}
		switch r {
		case '\r':
			down.Key, down.Code, down.WindowsVirtualKeyCode = "Enter", "Enter", 13
		case '\x1b':
			down.Key, down.Code, down.WindowsVirtualKeyCode, down.Text = "Escape", "Escape", 27, ""
		}
		up := down
		up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			if _, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, event); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}
