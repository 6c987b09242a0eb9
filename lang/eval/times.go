package eval

import (
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"golang.org/x/text/language"
)

// Moments are RFC 3339 strings in the language, as Terraform has them, and unix seconds at Stripe.

func timeFuncs() []Func {
	z := &zones{}
	return []Func{
		{"duration", "Gives the seconds of a duration such as \"90s\", \"72h\", \"7d\" or \"1w2d\".", `duration("7d") → 604800`, durationFunc()},
		{"format_time", "Writes a time by a layout as formatdate does, in a time zone, with the names of months and days in a language.", `format_time("2024-03-01T12:00:00Z", "EEEE, D. MMMM YYYY", "Europe/Berlin", "de-DE") → "Freitag, 1. März 2024"`, formatTimeFunc(z)},
		{"formatdate", "Writes a time by a layout: YYYY, MM, MMM, DD, EEE, hh, mm, ss, 'text' and so on.", `formatdate("DD MMM YYYY", "2024-03-01T12:00:00Z") → "01 Mar 2024"`, quiet(stdlib.FormatDateFunc, "a layout and an RFC 3339 time are required")},
		{"from_unix", "Makes a time of seconds since 1970, in UTC or a time zone.", `from_unix(1700000000) → "2023-11-14T22:13:20Z"`, fromUnixFunc(z)},
		{"in_zone", "Gives the same moment with the clock of a time zone.", `in_zone("2024-07-01T12:00:00Z", "Europe/Berlin") → "2024-07-01T14:00:00+02:00"`, inZoneFunc(z)},
		{"timeadd", "Adds a duration such as \"72h\" or \"-7d\" to a time.", `timeadd("2024-03-01T12:00:00Z", "24h") → "2024-03-02T12:00:00Z"`, timeaddFunc()},
		{"timecmp", "Gives -1, 0 or 1 as the first time is before, at or after the second.", `timecmp("2024-03-01T12:00:00Z", "2024-03-01T13:00:00+01:00") → 0`, timecmpFunc()},
		{"unix", "Gives the seconds since 1970 of a time.", `unix("2023-11-14T22:13:20Z") → 1700000000`, unixFunc()},
	}
}

// zones keeps loaded time zones: reading one takes far longer than using it.
type zones struct{ byName sync.Map }

func (z *zones) load(i int, name string) (*time.Location, error) {
	if loc, ok := z.byName.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, function.NewArgErrorf(i, `not a time zone: a name such as "UTC" or "Europe/Berlin" is required`)
	}
	z.byName.Store(name, loc) // only names that exist are kept, so that there are few
	return loc, nil
}

func timeOf(args []cty.Value, i int) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, args[i].AsString())
	if err != nil {
		return time.Time{}, function.NewArgErrorf(i, `not a time: an RFC 3339 string such as "2024-03-01T12:00:00Z" is required`)
	}
	return t, nil
}

// timeValue writes t with the fraction it has; years beyond four digits have no RFC 3339 form.
func timeValue(t time.Time) (cty.Value, error) {
	if y := t.Year(); y < 0 || y > 9999 {
		return cty.NilVal, callError("the time is outside the years 0 to 9999")
	}
	return cty.StringVal(t.Format(time.RFC3339Nano)), nil
}

// ParseDuration reads a duration as recipes have it: Go's, and d for days of 24 hours and w for weeks, such as "1w2d"
// or "-36h". ok is false for anything else, and for what does not fit a time.Duration.
func ParseDuration(s string) (d time.Duration, ok bool) {
	negative := strings.HasPrefix(s, "-")
	rest := strings.TrimPrefix(s, "-")
	if rest == "" || rest[0] == '-' || rest[0] == '+' {
		return 0, false
	}
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 {
			return 0, false
		}
		end := i + 1
		for end < len(rest) && (rest[end] < '0' || rest[end] > '9') && rest[end] != '.' {
			end++
		}
		number, unit := rest[:i], rest[i:end]
		times := time.Duration(1)
		switch unit {
		case "d":
			unit, times = "h", 24
		case "w":
			unit, times = "h", 7*24
		}
		part, err := time.ParseDuration(number + unit)
		if err != nil || part > (1<<63-1)/times || d > 1<<63-1-part*times {
			return 0, false
		}
		d += part * times
		rest = rest[end:]
	}
	if negative {
		d = -d
	}
	return d, true
}

const needDuration = `not a duration: a string such as "90s", "72h" or "7d" is required`

func durationFunc() function.Function {
	return plain(cty.Number, func(args []cty.Value) (cty.Value, error) {
		d, ok := ParseDuration(args[0].AsString())
		if !ok {
			return cty.NilVal, function.NewArgErrorf(0, needDuration)
		}
		if d%time.Second == 0 {
			return cty.NumberIntVal(int64(d / time.Second)), nil
		}
		nanos := new(big.Float).SetPrec(512).SetInt64(int64(d))
		return cty.NumberVal(nanos.Quo(nanos, big.NewFloat(1e9))), nil
	}, param("duration", cty.String))
}

func timeaddFunc() function.Function {
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		t, err := timeOf(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		d, ok := ParseDuration(args[1].AsString())
		if !ok {
			return cty.NilVal, function.NewArgErrorf(1, needDuration)
		}
		return timeValue(t.Add(d))
	}, param("timestamp", cty.String), param("duration", cty.String))
}

func timecmpFunc() function.Function {
	return plain(cty.Number, func(args []cty.Value) (cty.Value, error) {
		a, err := timeOf(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		b, err := timeOf(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.NumberIntVal(int64(a.Compare(b))), nil
	}, param("timestamp_a", cty.String), param("timestamp_b", cty.String))
}

func unixFunc() function.Function {
	return plain(cty.Number, func(args []cty.Value) (cty.Value, error) {
		t, err := timeOf(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.NumberIntVal(t.Unix()), nil
	}, param("timestamp", cty.String))
}

func fromUnixFunc(z *zones) function.Function {
	return optional(cty.String, func(args []cty.Value) (cty.Value, error) {
		seconds, acc := args[0].AsBigFloat().Int64()
		if acc != big.Exact || seconds < -62167219200 || seconds > 253402300799 {
			return cty.NilVal, function.NewArgErrorf(0, "whole seconds since 1970 are required, within the years 0 to 9999")
		}
		loc := time.UTC
		if len(args) > 1 {
			var err error
			if loc, err = z.load(1, args[1].AsString()); err != nil {
				return cty.NilVal, err
			}
		}
		return timeValue(time.Unix(seconds, 0).In(loc))
	}, param("zone", cty.String), 1, param("seconds", cty.Number))
}

func inZoneFunc(z *zones) function.Function {
	return plain(cty.String, func(args []cty.Value) (cty.Value, error) {
		t, err := timeOf(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		loc, err := z.load(1, args[1].AsString())
		if err != nil {
			return cty.NilVal, err
		}
		return timeValue(t.In(loc))
	}, param("timestamp", cty.String), param("zone", cty.String))
}

func formatTimeFunc(z *zones) function.Function {
	return optional(cty.String, func(args []cty.Value) (cty.Value, error) {
		t, err := timeOf(args, 0)
		if err != nil {
			return cty.NilVal, err
		}
		layout := args[1].AsString()
		if len(args) > 2 {
			loc, err := z.load(2, args[2].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			t = t.In(loc)
		}
		if len(args) > 3 {
			names, ok := calendarNames(args[3].AsString())
			if !ok {
				return cty.NilVal, function.NewArgErrorf(3, "names of months and days are known in English, German, French, Spanish, Italian, Dutch and Portuguese: a locale such as \"de-DE\" is required")
			}
			layout = names.fill(layout, t)
		}
		stamp, err := timeValue(t)
		if err != nil {
			return cty.NilVal, err
		}
		v, err := stdlib.FormatDate(cty.StringVal(layout), stamp)
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(1, "not a layout: see formatdate for what it may hold")
		}
		return v, nil
	}, param("zone_or_locale", cty.String), 2, param("timestamp", cty.String), param("layout", cty.String))
}

// calendar holds the names of months and days (from Sunday), long and short, in one language.
type calendar struct{ months, shortMonths, days, shortDays string }

func calendarNames(locale string) (calendar, bool) {
	tag, err := language.Parse(locale)
	if err != nil {
		return calendar{}, false
	}
	base, _ := tag.Base()
	c, ok := map[string]calendar{
		"en": {"January February March April May June July August September October November December", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday", "Sun Mon Tue Wed Thu Fri Sat"},
		"de": {"Januar Februar März April Mai Juni Juli August September Oktober November Dezember", "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.", "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag", "So. Mo. Di. Mi. Do. Fr. Sa."},
		"fr": {"janvier février mars avril mai juin juillet août septembre octobre novembre décembre", "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.", "dimanche lundi mardi mercredi jeudi vendredi samedi", "dim. lun. mar. mer. jeu. ven. sam."},
		"es": {"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", "ene feb mar abr may jun jul ago sept oct nov dic", "domingo lunes martes miércoles jueves viernes sábado", "dom lun mar mié jue vie sáb"},
		"it": {"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre", "gen feb mar apr mag giu lug ago set ott nov dic", "domenica lunedì martedì mercoledì giovedì venerdì sabato", "dom lun mar mer gio ven sab"},
		"nl": {"januari februari maart april mei juni juli augustus september oktober november december", "jan feb mrt apr mei jun jul aug sep okt nov dec", "zondag maandag dinsdag woensdag donderdag vrijdag zaterdag", "zo ma di wo do vr za"},
		"pt": {"janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro", "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.", "domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado", "dom. seg. ter. qua. qui. sex. sáb."},
	}[base.String()]
	return c, ok
}

// fill puts names in the place of MMMM, MMM, EEEE and EEE in a layout, as quoted text.
func (c calendar) fill(layout string, t time.Time) string {
	var out strings.Builder
	quoted := false
	for i := 0; i < len(layout); {
		b := layout[i]
		n := 1
		for i+n < len(layout) && layout[i+n] == b && b != '\'' {
			n++
		}
		names, at := "", 0
		if !quoted {
			switch {
			case b == 'M' && n == 4:
				names, at = c.months, int(t.Month())-1
			case b == 'M' && n == 3:
				names, at = c.shortMonths, int(t.Month())-1
			case b == 'E' && n == 4:
				names, at = c.days, int(t.Weekday())
			case b == 'E' && n == 3:
				names, at = c.shortDays, int(t.Weekday())
			}
		}
		if names != "" {
			out.WriteString("'" + strings.Fields(names)[at] + "'")
		} else {
			out.WriteString(layout[i : i+n])
		}
		if b == '\'' {
			quoted = !quoted
		}
		i += n
	}
	return out.String()
}
