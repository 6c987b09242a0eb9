// Package edit is what editors and `flowrun fmt` do with the text of recipes. It changes text and never what the text
// means, and it reads no file itself.
package edit
