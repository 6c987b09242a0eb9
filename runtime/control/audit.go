package control

// The audit log: who did what, through this door. An entry is in the store before anything is done or shown, as begun,
// and says afterwards how it ended; so nothing is done or shown that is not in it.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// AuditEntry is something that somebody did or looked at.
type AuditEntry struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Role   string    `json:"role" enum:"view,operate"`
	Via    string    `json:"via" enum:"local,token,session,proxy"`
	From   string    `json:"from,omitempty"` // the address; for who may operate
	What   string    `json:"what"`
	IDs    []string  `json:"ids,omitempty"`    // the first hundred
	Count  int       `json:"count,omitempty"`  // of all that it concerned
	Detail string    `json:"detail,omitempty"` // what was asked for, as JSON
	Result string    `json:"result"`           // "begun", "done", or why not
}

// AuditList is a page of the audit log, the newest first.
type AuditList struct {
	Audit []AuditEntry `json:"audit"`
	Next  string       `json:"next,omitempty"`
}

const (
	maxAuditIDs    = 100
	maxAuditDetail = 1000 // bytes
)

// note keeps that somebody begins something.
func (h *Handler) note(ctx context.Context, p *principal, what, detail string, ids []string) (*runtime.Audit, error) {
	a := &runtime.Audit{At: h.cfg.Clock.Now(), Who: p.name, Role: p.role.String(), Via: p.via, From: p.from, What: what,
		IDs: ids, Count: len(ids), Detail: cutText(detail, maxAuditDetail), Result: "begun"}
	if what == "signed_in" || what == "signed_out" {
		a.Result = "done"
	}
	if err := h.cfg.Store.Audit(ctx, a); err != nil {
		return nil, fmt.Errorf("nothing was done, since it could not be kept in the audit log: %w", err)
	}
	h.cfg.Log.Info("an operator acts", "who", p.name, "via", p.via, "from", p.from, "what", what, "ids", ids)
	return a, nil
}

// audited is an answer that says more of what was done.
type audited interface{ audit(*runtime.Audit) }

// act makes a handler of something that is kept in the audit log.
func (h *Handler) act(what string, f func(r *http.Request) (any, error)) http.Handler {
	return h.json(func(r *http.Request) (any, error) {
		raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
		if err != nil {
			return nil, problem(http.StatusBadRequest, "bad_request", "the body can't be read: "+err.Error())
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		var said struct {
			Preview bool
			Recipe  string
		}
		// What is no JSON is refused below.
		if json.Unmarshal(raw, &said) == nil && said.Preview {
			return f(r)
		}
		var ids []string
		if id := r.PathValue("id"); id != "" {
			ids = append(ids, id)
		} else if said.Recipe != "" {
			ids = append(ids, said.Recipe)
		}
		a, err := h.note(r.Context(), asker(r), what, detailOf(raw), ids)
		if err != nil {
			return nil, err
		}
		v, err := f(r)
		if a.Result = "done"; err != nil {
			a.Result = cutText(err.Error(), maxAuditDetail)
		}
		if more, ok := v.(audited); ok && err == nil {
			more.audit(a)
		}
		// It is done: that who asked has gone must not keep it out of the log.
		if err := h.cfg.Store.Audit(context.WithoutCancel(r.Context()), a); err != nil {
			h.cfg.Log.Error("what was done stays in the audit log as begun", "what", what, "ids", a.IDs, "result", a.Result, "error", err)
		}
		return v, err
	})
}

// detailOf is what was asked for, in one line. What is no JSON is no request.
func detailOf(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil || b.String() == "{}" {
		return ""
	}
	return b.String()
}

// cutText cuts a text to so many bytes.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}

func (b *BulkResult) audit(a *runtime.Audit) {
	a.IDs, a.Count = b.ids, b.Done
	if b.Failed > 0 {
		a.Result = fmt.Sprintf("done; %d refused", b.Failed)
	}
}

func (b *BackfillResult) audit(a *runtime.Audit) { a.Count = b.Done }

func (h *Handler) audits(r *http.Request) (any, error) {
	q, err := h.query(r, "who", "what", "id")
	if err != nil {
		return nil, err
	}
	list, err := h.cfg.Store.Audits(r.Context(), runtime.AuditQuery{Who: q.Get("who"), What: q.Get("what"), ID: q.Get("id"),
		Since: q.since, Before: q.before, Limit: q.limit + 1})
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	m := h.masker(r)
	out := AuditList{Audit: []AuditEntry{}}
	if len(list) > q.limit {
		list = list[:q.limit]
		out.Next = cursor(list[len(list)-1].Seq)
	}
	for _, a := range list {
		e := AuditEntry{Seq: a.Seq, At: a.At.UTC(), Who: a.Who, Role: a.Role, Via: a.Via, From: a.From, What: a.What,
			IDs: a.IDs, Count: a.Count, Detail: m.text(a.Detail), Result: m.text(a.Result)}
		if asker(r).role < RoleOperate {
			e.From = ""
		}
		out.Audit = append(out.Audit, e)
	}
	return out, nil
}
