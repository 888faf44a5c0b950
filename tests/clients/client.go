// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// tally is what a client tells of itself, in its file, after each call.
type tally struct {
	Calls  int `json:"calls"`
	Failed int `json:"failed"`
	// Of the calls that failed; and when each began, how long it took, and what the library says.
	Codes    map[string]int `json:"codes"`
	Failures []string       `json:"failures"`
}

func (t *tally) add(begin time.Time, err error) {
	t.Calls++
	if err != nil {
		t.Failed++
		t.Codes[status.Code(err).String()]++
		t.Failures = append(t.Failures, fmt.Sprintf("%s +%d ms: %v",
			begin.UTC().Format("2006-01-02T15:04:05.000Z"), time.Since(begin).Milliseconds(), err))
	}
}

func (t *tally) write(file string) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// client keeps one connection, and makes calls of one kind with a pause after each.
func client(args []string) error {
	if len(args) != 5 {
		return errors.New("usage: clients client CERTIFICATE ADDRESS:PORT evaluate|commit PAUSE FILE")
	}
	method := map[string]string{"evaluate": evaluateMethod, "commit": commitStatusMethod}[args[2]]
	if method == "" {
		return errors.New("a call is 'evaluate' or 'commit'")
	}
	pause, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	transport, err := credentials.NewClientTLSFromFile(args[0]+".crt", serverName)
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient(args[1], grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		return err
	}
	counts := tally{Codes: map[string]int{}}
	for {
		begin := time.Now()
		counts.add(begin, call(connection, method))
		if err := counts.write(args[4]); err != nil {
			return err
		}
		time.Sleep(pause)
	}
}

// serverName is what the certificate of every peer carries.
const serverName = "org1-peer-gateway-svc"

func call(connection *grpc.ClientConn, method string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	request, response := []byte{}, []byte{}
	return connection.Invoke(ctx, method, &request, &response)
}
