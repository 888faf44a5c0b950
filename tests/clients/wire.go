// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The methods of gateway.Gateway (gateway/gateway.proto of fabric-protos), and the few fields of
// their messages that matter here.
const (
	evaluateMethod     = "/gateway.Gateway/Evaluate"
	commitStatusMethod = "/gateway.Gateway/CommitStatus"
	eventsMethod       = "/gateway.Gateway/ChaincodeEvents"
)

// evaluateResponse is EvaluateResponse{result: Response{status: 200, payload}}.
func evaluateResponse(payload string) []byte {
	var result []byte
	result = protowire.AppendTag(result, 1, protowire.VarintType)
	result = protowire.AppendVarint(result, 200)
	result = protowire.AppendTag(result, 3, protowire.BytesType)
	result = protowire.AppendString(result, payload)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), result)
}

// commitStatusResponse is CommitStatusResponse{result: VALID, block_number}.
func commitStatusResponse(block uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), block)
}

// eventsResponse is ChaincodeEventsResponse{block_number}, without events.
func eventsResponse(block uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), block)
}

// raw is a codec that leaves messages as the bytes that they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) ([]byte, error) {
	if message, ok := v.(*[]byte); ok {
		return *message, nil
	}
	return nil, fmt.Errorf("cannot send a %T", v)
}

func (raw) Unmarshal(data []byte, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("cannot receive into a %T", v)
	}
	*message = append([]byte(nil), data...)
	return nil
}
