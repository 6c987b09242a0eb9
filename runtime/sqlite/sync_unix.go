//go:build unix

package sqlite

import "os"

// syncDir makes the entry of a new file in a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
