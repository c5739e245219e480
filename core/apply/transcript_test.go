package apply_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"metastorebench/core/apply"
	"metastorebench/core/apply/applytest"
	"metastorebench/core/kv"
)

// TestTranscripts plays the stories in testdata. Commands are one request per
// line; a transaction's lines are "if", "then" and "else"; "define NAME" keeps a
// transaction for use as an operation ("then txn NAME") of a later one.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := story{o: applytest.New(), txns: map[string]*kv.TxnRequest{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return s.play(t, d)
		})
	})
}

type story struct {
	o    *applytest.Oracle
	txns map[string]*kv.TxnRequest
}

func (s *story) play(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "run":
		var out strings.Builder
		for _, line := range strings.Split(d.Input, "\n") {
			out.WriteString(s.exec(t, s.command(t, line)))
		}
		return out.String()
	case "get":
		var out strings.Builder
		for _, line := range strings.Split(d.Input, "\n") {
			res, err := apply.Range(s.o, s.parse(t, "get "+line).Range)
			if err != nil {
				fmt.Fprintf(&out, "error: %v\n", err)
				continue
			}
			out.WriteString(showRange(res))
		}
		return out.String()
	case "define":
		s.txns[d.CmdArgs[0].Key] = s.txn(t, d.Input)
		return "ok\n"
	case "txn":
		return s.exec(t, &kv.Command{Txn: s.txn(t, d.Input)})
	case "read-txn":
		res, err := apply.ReadTxn(s.o, s.txn(t, d.Input))
		if err != nil {
			return fmt.Sprintf("failed: %v\n", err)
		}
		return show(res)
	}
	d.Fatalf(t, "unknown command %q", d.Cmd)
	return ""
}

func (s *story) exec(t *testing.T, cmd *kv.Command) string {
	st := s.o.State()
	res, err := apply.Exec(s.o, &st, cmd)
	require.NoError(t, err)
	require.NoError(t, s.o.Commit(st))
	return show(res)
}

func (s *story) command(t *testing.T, line string) *kv.Command {
	if rev, ok := strings.CutPrefix(line, "compact "); ok {
		n, err := strconv.ParseInt(rev, 10, 64)
		require.NoError(t, err)
		return &kv.Command{Compact: &kv.CompactRequest{Revision: n}}
	}
	op := s.parse(t, line)
	return &kv.Command{Put: op.Put, DeleteRange: op.DeleteRange, Txn: op.Txn}
}

func (s *story) txn(t *testing.T, body string) *kv.TxnRequest {
	req := &kv.TxnRequest{}
	for _, line := range strings.Split(body, "\n") {
		if line == "" {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "if":
			req.Compare = append(req.Compare, parseCompare(t, rest))
		case "then":
			req.Success = append(req.Success, s.parse(t, rest))
		case "else":
			req.Failure = append(req.Failure, s.parse(t, rest))
		default:
			require.Failf(t, "transaction", "line %q", line)
		}
	}
	return req
}

// parse reads "put K V", "del K [END]", "get K [END]" or "txn NAME", then
// options.
func (s *story) parse(t *testing.T, line string) *kv.RequestOp {
	words := strings.Fields(line)
	var args []string
	opts := map[string]string{}
	for _, w := range words[1:] {
		if name, value, ok := strings.Cut(w, ":"); ok {
			opts[name] = value
		} else {
			args = append(args, strings.ReplaceAll(w, `\0`, "\x00"))
		}
	}
	num := func(name string) int64 {
		if opts[name] == "" {
			return 0
		}
		n, err := strconv.ParseInt(opts[name], 10, 64)
		require.NoError(t, err, line)
		return n
	}
	has := func(name string) bool { _, ok := opts[name]; return ok }
	arg := func(i int) []byte {
		if i < len(args) {
			return []byte(args[i])
		}
		return nil
	}
	switch words[0] {
	case "put":
		return &kv.RequestOp{Put: &kv.PutRequest{
			Key: arg(0), Value: arg(1), Lease: num("lease"), PrevKv: has("prev"),
			IgnoreValue: has("ignore-value"), IgnoreLease: has("ignore-lease"),
		}}
	case "del":
		return &kv.RequestOp{DeleteRange: &kv.DeleteRangeRequest{
			Key: arg(0), RangeEnd: arg(1), PrevKv: has("prev"),
		}}
	case "get":
		return &kv.RequestOp{Range: &kv.RangeRequest{
			Key: arg(0), RangeEnd: arg(1), Limit: num("limit"), Revision: num("rev"),
			SortOrder:  kv.RangeRequest_SortOrder(kv.RangeRequest_SortOrder_value[opts["order"]]),
			SortTarget: kv.RangeRequest_SortTarget(kv.RangeRequest_SortTarget_value[opts["sort"]]),
			CountOnly:  has("count"), KeysOnly: has("keys"),
			MinModRevision: num("min-mod"), MaxModRevision: num("max-mod"),
			MinCreateRevision: num("min-create"), MaxCreateRevision: num("max-create"),
		}}
	case "txn":
		require.Contains(t, s.txns, args[0])
		return &kv.RequestOp{Txn: s.txns[args[0]]}
	}
	require.Failf(t, "request", "line %q", line)
	return nil
}

var results = map[string]kv.Compare_Result{
	"=": kv.Compare_EQUAL, "!=": kv.Compare_NOT_EQUAL, "<": kv.Compare_LESS, ">": kv.Compare_GREATER,
}

// parseCompare reads "TARGET KEY [END] RESULT OPERAND".
func parseCompare(t *testing.T, line string) *kv.Compare {
	words := strings.Fields(line)
	target, ok := kv.Compare_Target_value[words[0]]
	require.True(t, ok, line)
	n := len(words)
	c := &kv.Compare{Target: kv.Compare_Target(target), Key: []byte(words[1]), Result: results[words[n-2]]}
	if n == 5 {
		c.RangeEnd = []byte(strings.ReplaceAll(words[2], `\0`, "\x00"))
	}
	if c.Target == kv.Compare_VALUE {
		c.Value = []byte(words[n-1])
		return c
	}
	number, err := strconv.ParseInt(words[n-1], 10, 64)
	require.NoError(t, err, line)
	c.Number = number
	return c
}

func show(res kv.Result) string {
	if res.Err != nil {
		return fmt.Sprintf("rev %d: error: %v\n", res.Revision, res.Err)
	}
	out := fmt.Sprintf("rev %d\n", res.Revision)
	return out + showOp(kv.OpResult{PrevKV: res.PrevKV, Delete: res.Delete, Range: res.Range, Txn: res.Txn}, "  ")
}

func showOp(res kv.OpResult, indent string) string {
	var out string
	switch {
	case res.PrevKV != nil:
		out = "prev " + showPair(res.PrevKV)
	case res.Delete != nil:
		out = fmt.Sprintf("deleted %d\n", res.Delete.Deleted)
		for _, p := range res.Delete.PrevKVs {
			out += "prev " + showPair(p)
		}
	case res.Range != nil:
		out = showRange(res.Range)
	case res.Txn != nil:
		out = fmt.Sprintf("txn succeeded=%v\n", res.Txn.Succeeded)
		for i, r := range res.Txn.Responses {
			out += fmt.Sprintf("%d:\n%s", i, showOp(r, "  "))
		}
	}
	return indented(out, indent)
}

func indented(text, by string) string {
	if text == "" {
		return ""
	}
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

func showRange(res *kv.RangeResult) string {
	out := fmt.Sprintf("count %d more=%v\n", res.Count, res.More)
	for _, p := range res.KVs {
		out += "  " + showPair(p)
	}
	return out
}

func showPair(p *kv.KeyValue) string {
	return fmt.Sprintf("%s=%s create %d mod %d version %d\n", p.Key, p.Value, p.CreateRevision, p.ModRevision, p.Version)
}
