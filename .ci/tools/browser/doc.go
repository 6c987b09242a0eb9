// Package browser holds the tests of the page in a real browser: the server as a process of its own, a vendor that can
// be told to fail, and Chromium, which does what an operator does in a day. Where there is no Chromium they are skipped,
// unless FLOWRUN_BROWSER is set: then that is a failure.
package browser
