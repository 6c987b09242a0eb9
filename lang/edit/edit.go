// Package edit is what editors and `flowrun fmt` do with the text of recipes: formatting, diagnostics, completion, hover,
// definitions, references, renaming, mending. It knows the language through lang/syntax and lang/check and has no list
// of words of its own. It reads no file, and speaks no protocol: positions are bytes of a text.
package edit
