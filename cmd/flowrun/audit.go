package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/runtime/control"
)

func auditCommand() *command {
	var r remote
	var q control.AuditFilter
	return &command{
		name:    "audit",
		short:   "list who revealed, retried, canceled, replayed or paused what, the newest first",
		example: "flowrun audit -what revealed -since 7d",
		group:   groupOperate,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&q.Who, "who", "", "`NAME`: only what this one did")
			f.StringVar(&q.What, "what", "", "`WHAT`: only what is called so, such as revealed, retried or paused")
			f.StringVar(&q.ID, "id", "", "`ID`: only what concerned this run, event or recipe")
			f.StringVar(&q.Since, "since", "", "`WHEN`: only what was done since 24h, 7d, or a time")
			f.IntVar(&q.Limit, "limit", 50, "`N`: at most so many")
			f.StringVar(&q.Cursor, "cursor", "", "`CURSOR`: go on where the page before ended")
		},
		run: func(ctx context.Context, m *Main, _ []string) error {
			page, err := r.client(m).Audit(ctx, q)
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, page)
			}
			t := newTable(m.Stdout, "AT", "WHO", "DID", "TO", "ASKED", "RESULT")
			for _, a := range page.Audit {
				who := a.Who
				if a.From != "" {
					who += " from " + a.From
				}
				t.row(when(a.At), who, a.What, auditedIDs(a), dash(a.Detail), a.Result)
			}
			if err := t.flush(); err != nil {
				return err
			}
			m.more(len(page.Audit), "entries", page.Next)
			return nil
		},
	}
}

// auditedIDs names what an entry concerned, as far as that fits in a line.
func auditedIDs(a control.AuditEntry) string {
	const shown = 3
	text := strings.Join(a.IDs[:min(len(a.IDs), shown)], ", ")
	if more := max(a.Count, len(a.IDs)) - min(len(a.IDs), shown); more > 0 {
		text = strings.TrimPrefix(fmt.Sprintf("%s and %d more", text, more), " and ")
	}
	return dash(text)
}
