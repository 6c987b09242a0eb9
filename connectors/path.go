package connectors

import (
	"fmt"
	"slices"
	"strings"
)

// pathTemplate is a parsed HTTP.Path: literals and placeholders by turns, literals[0] first and last.
type pathTemplate struct {
	literals []string // one more than names
	names    []string
}

func parsePath(s string) (pathTemplate, error) {
	var t pathTemplate
	if !strings.HasPrefix(s, "/") {
		return t, fmt.Errorf("path %q does not begin with /", s)
	}
	for rest := s; ; {
		literal, tail, found := strings.Cut(rest, "{")
		if strings.ContainsAny(literal, "}?# ") {
			return t, fmt.Errorf("path %q holds a character that can't stand there", s)
		}
		t.literals = append(t.literals, literal)
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(tail, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return t, fmt.Errorf("path %q has a placeholder that is not closed or has no name", s)
		}
		t.names = append(t.names, name)
		rest = after
	}
}

// pathFor returns the path of a connection's calls: Path, or what the connection has in its place.
func (h *HTTP) pathFor(conn *Conn) (pathTemplate, error) {
	own := ""
	if h.PathSetting != "" {
		own = conn.Setting(h.PathSetting)
	}
	if own == "" || own == h.Path {
		return h.path, nil
	}
	t, err := parsePath(own)
	if err == nil && !slices.Equal(slices.Sorted(slices.Values(t.names)), slices.Sorted(slices.Values(h.path.names))) {
		err = fmt.Errorf("path %q does not have the placeholders of %s", own, h.Path)
	}
	if err != nil {
		return t, Invalidf("%s of connection %q: %v", h.PathSetting, conn.Name, err)
	}
	return t, nil
}

// AppendPathEscape appends s to dst with every byte percent-encoded that is not unreserved in RFC 3986. Unlike
// url.PathEscape it leaves no & + @ : = $ as they are, because vendors decode those in more than one way.
func AppendPathEscape(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// checkSegment refuses the values that change which path is meant, whatever their encoding.
func checkSegment(name, v string) error {
	switch v {
	case "":
		return fmt.Errorf("%s is empty", name)
	case ".", "..":
		return fmt.Errorf("%s is %q, which can't stand in a path", name, v)
	}
	return nil
}
