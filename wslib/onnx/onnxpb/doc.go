// Package onnxpb has the messages of ONNX files. protoc-gen-go v1.36.11 and the protoc of the Python
// package grpcio-tools 1.85.1 generated them from onnx/onnx.proto of the Python package onnx 1.23.2,
// made proto3 as ONNX itself does it:
//
//	sed -E 's/"proto2"/"proto3"/; s/^( *)optional /\1/' onnx.proto > onnx.proto3
//	python -m grpc_tools.protoc -I. --go_out=. --go_opt=paths=source_relative \
//		--go_opt=Monnx.proto3=weightsep/wslib/onnx/onnxpb onnx.proto3
//
// The schema, and with it onnx.pb.go, is under the Apache License 2.0, copyright (c) ONNX Project
// Contributors.
package onnxpb
