package check

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// latestMoment is the end of the year 9999 in unix seconds: what is later is no date.
const latestMoment = 253402300799

func parsesAsNumber(s string) bool {
	_, err := cty.ParseNumberVal(s)
	return err == nil
}

// textOf writes a primitive constant as text.
func textOf(v cty.Value) (string, bool) {
	switch {
	case v == cty.NilVal || v.IsNull() || !v.IsKnown():
		return "", false
	case v.Type() == cty.String:
		return v.AsString(), true
	case v.Type() == cty.Number:
		return v.AsBigFloat().Text('f', -1), true
	case v.Type() == cty.Bool:
		return strconv.FormatBool(v.True()), true
	}
	return "", false
}

// checkLiteral tests a constant against what its place means.
func (e env) checkLiteral(x hclsyntax.Expression, i info, want schema.Type, name string) {
	if !i.constant() {
		return
	}
	if want.Kind == schema.KindNumber {
		if want.Format == schema.Integer || want.Format == schema.UnixTime || want.Format == schema.MinorUnit {
			if i.val.Type() == cty.Number && !i.val.AsBigFloat().IsInt() {
				e.report(diag.BadLiteral, x.Range(), "%s needs a whole number.", name)
				return
			}
		}
		if want.Format == schema.UnixTime && i.val.Type() == cty.Number {
			if n := i.val.AsBigFloat(); n.Sign() < 0 {
				e.report(diag.BadLiteral, x.Range(), "%s needs the seconds since 1970; this is negative.", name)
			} else if n.Cmp(big.NewFloat(latestMoment)) > 0 {
				e.report(diag.BadLiteral, x.Range(), "%s needs the seconds since 1970; this is later than the year 9999. Milliseconds are divided by 1000.", name)
			}
		}
		return
	}
	if want.Kind != schema.KindString {
		return
	}
	s, ok := textOf(i.val)
	if !ok {
		return
	}
	if len(want.Enum) > 0 && !slices.Contains(want.Enum, s) {
		e.notInEnum(x.Range(), s, want.Enum, "%s can't be %q.", name, s)
		return
	}
	if want.TooLong(s) {
		has := len(s)
		if want.Runes {
			has = utf8.RuneCountInString(s)
		}
		e.report(diag.TooLong, x.Range(), "%s takes at most %s; this has %d.", name, want.Limit(), has)
		return
	}
	if why := wrongFormat(s, want); why != "" {
		e.report(diag.BadLiteral, x.Range(), "%s needs %s; %q is none.", name, why, s)
	}
}

// wrongFormat names the format that s should have and has not, or returns "".
func wrongFormat(s string, t schema.Type) string {
	switch t.Format {
	case schema.Email:
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			return `an e-mail address such as "jo@example.com"`
		}
	case schema.URL:
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" {
			return `a URL such as "https://example.com/"`
		}
	case schema.Currency:
		if _, err := currency.ParseISO(s); err != nil {
			return `a currency code such as "eur"`
		}
	case schema.Country:
		if r, err := language.ParseRegion(s); err != nil || !r.IsCountry() || len(s) != 2 {
			return `a two-letter country code such as "FR"`
		}
	case schema.Duration:
		if _, err := schema.ParseDuration(s); err != nil {
			return `a duration such as "90s", "72h" or "7d"`
		}
	case schema.JSON:
		if !json.Valid([]byte(s)) {
			return "valid JSON"
		}
	case schema.ID:
		if t.Prefix != "" && !strings.HasPrefix(s, t.Prefix) {
			return fmt.Sprintf("an identifier that begins with %q", t.Prefix)
		}
	}
	return ""
}
