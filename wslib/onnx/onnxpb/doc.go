// Package onnxpb has the messages of ONNX files. protoc-gen-go v1.36.11 and the protoc of the Python
// package grpcio-tools 1.85.1 generated them from onnx.proto:
//
//	python -m grpc_tools.protoc -I. --go_out=. --go_opt=paths=source_relative \
//		--go_opt=Monnx.proto=weightsep/wslib/onnx/onnxpb onnx.proto
//
// The schema, and with it onnx.pb.go, is under the Apache License 2.0, copyright (c) ONNX Project
// Contributors.
package onnxpb
