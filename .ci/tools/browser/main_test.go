package browser

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// shared is what all tests use: one browser and one build of the server.
type shared struct {
	why     string // there is no browser
	browser context.Context
	flowrun string
}

var common shared

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	path, err := chromium()
	if err != nil {
		common.why = err.Error()
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "flowrun-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	common.flowrun = filepath.Join(dir, "flowrun")
	build := exec.Command("go", "build", "-o", common.flowrun, "./cmd/flowrun")
	build.Dir = filepath.Join("..", "..", "..")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building flowrun:", err)
		return 1
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.UserDataDir(filepath.Join(dir, "profile")))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium has no use for as root
	}
	allocated, freeAllocated := chromedp.NewExecAllocator(context.Background(), options...)
	defer freeAllocated()
	browser, closeBrowser := chromedp.NewContext(allocated)
	defer closeBrowser()
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		fmt.Fprintln(os.Stderr, "starting Chromium:", err)
		return 1
	}
	common.browser = browser
	return m.Run()
}

// chromium finds the browser.
func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no Chromium in PATH")
}

// needBrowser ends a test that has none.
func needBrowser(t *testing.T) {
	t.Helper()
	if common.why == "" {
		return
	}
	if os.Getenv("FLOWRUN_BROWSER") != "" {
		t.Fatal(common.why)
	}
	t.Skip(common.why)
}
