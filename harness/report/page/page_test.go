package page_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
	"metastorebench/harness/report/page"
)

func written(t *testing.T, doc *facts.Document) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, page.Write(&b, doc))
	return b.String()
}

// between is the text between two others.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, from)
	require.True(t, found, "no %s", from)
	part, _, found := strings.Cut(rest, to)
	require.True(t, found, "no %s", to)
	return part
}

func unpack(t *testing.T, packed string, into any) {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(packed)
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(z).Decode(into))
}

func TestPageHoldsTheDocument(t *testing.T) {
	doc := sample(12)
	text := written(t, doc)
	var whole facts.Document
	unpack(t, between(t, text, `id="packed">`, "</script>"), &whole)
	require.Len(t, whole.Facts, len(doc.Facts))
	require.Equal(t, doc.Facts[0].Text, whole.Facts[0].Text)
	require.Len(t, whole.Cells, 12)
	require.Empty(t, whole.Cells[0].Trials, "trials are apart")
	var trials [][]facts.Trial
	unpack(t, between(t, text, `id="trials">`, "</script>"), &trials)
	require.Len(t, trials, 12)
	require.Len(t, trials[3], 6)
	require.NotEmpty(t, doc.Cells[3].Trials, "the caller's document is left as it is")
	require.Equal(t, text, written(t, sample(12)), "the same document makes the same bytes")
}

func TestPageOpensWithTheAnswer(t *testing.T) {
	text := written(t, sample(12))
	shell, _, _ := strings.Cut(text, `id="packed"`)
	for _, want := range []string{"<h1>Demo: what three items make of puts</h1>", "P1.3 &lt;is not&gt; resolved", "Batching proposals is the item that matters most", `<span class="verdict refuted">refuted <b>1</b></span>`, "no cell has all items"} {
		require.Contains(t, shell, want)
	}
}

// TestPolicy: the page runs its own script and style, and asks nothing of a network.
func TestPolicy(t *testing.T) {
	text := written(t, sample(8))
	policy := html.UnescapeString(between(t, text, `http-equiv="Content-Security-Policy" content="`, `"`))
	for tag, part := range map[string]string{"script-src": between(t, text, `<script type="module">`, "</script>"), "style-src": between(t, text, "<style>", "</style>")} {
		sum := sha256.Sum256([]byte(part))
		require.Contains(t, policy, fmt.Sprintf("%s 'sha256-%s'", tag, base64.StdEncoding.EncodeToString(sum[:])))
	}
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "connect-src 'none'")
	shell, _, _ := strings.Cut(text, `id="packed"`)
	require.NotRegexp(t, regexp.MustCompile(`\son[a-z]+="|<[a-z]+[^>]*\sstyle="`), shell, "the policy forbids handlers and styles in attributes")
	require.NotRegexp(t, regexp.MustCompile(`(src|href)="(https?:)?//`), text)
	var b bytes.Buffer
	require.NoError(t, page.WriteLive(&b, sample(8), page.Live{Recorded: 3, Planned: 12, Running: true}))
	require.Contains(t, html.UnescapeString(b.String()), "connect-src 'self'")
	require.Contains(t, b.String(), "running: 3 of 12 trials")
}

func TestEmptyDocument(t *testing.T) {
	require.NotEmpty(t, written(t, &facts.Document{Schema: facts.Schema}))
	require.Error(t, page.Write(&bytes.Buffer{}, nil))
}
