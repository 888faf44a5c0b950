// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// commitWait is how long CommitStatus is silent, as it is for Fabric's BatchTimeout. It is half of that
// one's default, so that on a busy machine no wait for an answer gets near the 2.5 s after which the
// tests move a connection.
const commitWait = time.Second

// eventGap is how long an event stream is silent.
const eventGap = 10 * time.Second

var block atomic.Uint64

// peer serves the Gateway service on each of these addresses, until it is killed.
func peer(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: clients peer CERTIFICATE ADDRESS:PORT…")
	}
	transport, err := credentials.NewServerTLSFromFile(args[0]+".crt", args[0]+".key")
	if err != nil {
		return err
	}
	failed := make(chan error)
	for _, address := range args[1:] {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		server := grpc.NewServer(grpc.Creds(transport), grpc.ForceServerCodec(raw{}),
			grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
				return serve(address, stream)
			}))
		go func() { failed <- server.Serve(listener) }()
	}
	return <-failed
}

func serve(address string, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var request []byte
	if err := stream.RecvMsg(&request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch method {
	case evaluateMethod:
		return send(stream, evaluateResponse(address))
	case commitStatusMethod:
		return afterSilence(stream, commitWait, commitStatusResponse(block.Add(1)))
	case eventsMethod:
		for {
			err := afterSilence(stream, eventGap, eventsResponse(block.Add(1)))
			if err != nil {
				return err
			}
		}
	default:
		return status.Error(codes.Unimplemented, method)
	}
}

func send(stream grpc.ServerStream, message []byte) error {
	return stream.SendMsg(&message)
}

func afterSilence(stream grpc.ServerStream, silence time.Duration, message []byte) error {
	select {
	case <-time.After(silence):
		return send(stream, message)
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}
