package main

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"metastorebench/harness/ceiling"
	"metastorebench/variants/rpc"
)

func newNoopCommand() *cobra.Command {
	var listen, profileName string
	var stall, stallAfter time.Duration
	cmd := &cobra.Command{
		Use:   "noop-server",
		Short: "Serve puts that do nothing: the ceiling for any store behind gRPC",
		Long: `Serve etcd's KV service with a Put that answers at once and stores nothing, the
batches and pipelines of the store's own service likewise, and raw TCP on a port
of its own. It prints the same ready line as metastore. Trials of target "noop"
start it, and "metabench ceilings" does.

--stall plants a fault: the server answers nothing for that long, once. The
built-in plan "stall" shows what open and closed loop make of it.`,
		Example: `  metabench noop-server
  metabench noop-server --rpc tuned --stall 200ms --stall-after 1s
  metabench run stall`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			profile, err := rpc.Lookup(profileName)
			if err != nil {
				return fmt.Errorf("--rpc: %w", err)
			}
			if stall > 0 && profile.Lean {
				return fmt.Errorf("--stall is planted in grpc-go; --rpc is %s, accepted: %s, %s", profile.Name, rpc.Default, rpc.Tuned)
			}
			if stall < 0 || stallAfter < 0 {
				return fmt.Errorf("--stall is %v and --stall-after %v; accepted: 0 or more", stall, stallAfter)
			}
			u, err := url.Parse(listen)
			if err != nil || u.Scheme != "http" || u.Host == "" {
				return fmt.Errorf("--listen-client-urls is %q; accepted: http://HOST:PORT", listen)
			}
			l, err := net.Listen("tcp", u.Host)
			if err != nil {
				return fmt.Errorf("--listen-client-urls: %w", err)
			}
			t := ceiling.Transport{Name: profile.Name, Options: slices.Clone(profile.Server), Lean: profile.Lean}
			if stall > 0 {
				t.Options = append(t.Options, ceiling.Stall(stallAfter, stall))
			}
			return ceiling.Serve(cmd.Context(), l, t, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&listen, "listen-client-urls", "http://127.0.0.1:0", "address to serve on")
	cmd.Flags().StringVar(&profileName, "rpc", rpc.Default, "gRPC settings, as metastore's --rpc")
	cmd.Flags().DurationVar(&stall, "stall", 0, "answer nothing for this long, once")
	cmd.Flags().DurationVar(&stallAfter, "stall-after", 300*time.Millisecond, "when the stall begins, from the first operation")
	return cmd
}
