package report

// Extract returns the text between the section's markers.
func Extract(doc, section string) (string, error) {
	s, err := find(doc, section)
	if err != nil {
		return "", err
	}
	return doc[s.from:s.to], nil
}
