// SPDX-License-Identifier: Apache-2.0

// Command clients holds both ends of gRPC connections as a Fabric network has them: a peer that
// serves as much of Fabric's Gateway service as a client can tell from outside, over TLS, and a
// client of grpc-go. The Node client beside it is Fabric's own. They know nothing of gwbpf.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"certificate": certificate,
		"peer":        peer,
		"client":      client,
		"table":       table,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients certificate|peer|client|table …")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}
