package record

// Unchecked names the checks of a valid trial that came to no verdict.
func (t *Trial) Unchecked() []string {
	if t.Void == "" && len(t.Checks) == 0 {
		return []string{"no check was made"}
	}
	return nil
}
