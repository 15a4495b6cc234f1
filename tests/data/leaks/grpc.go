package main

import (
	"context"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"
)

// 3: a connection a request, never closed.
func callPerRequest(ctx context.Context, addr string) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	_, err = pb.NewHealthClient(conn).Check(ctx, &pb.HealthCheckRequest{})
	return err
}

// A stream neither drained nor cancelled; the shared connection is right.
func readOne(conn *grpc.ClientConn) error {
	stream, err := pb.NewHealthClient(conn).Watch(context.Background(), &pb.HealthCheckRequest{})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

// Waits for the next message for ever.
func readAll(conn *grpc.ClientConn) error {
	stream, err := pb.NewHealthClient(conn).Watch(context.Background(), &pb.HealthCheckRequest{})
	for err == nil {
		_, err = stream.Recv()
	}
	return err
}

func callHung(conn *grpc.ClientConn) error {
	_, err := pb.NewHealthClient(conn).Check(context.Background(), &pb.HealthCheckRequest{})
	return err
}

func dial(addr string) *grpc.ClientConn {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

func grpcLeaks() []leak {
	l := listen()
	s := grpc.NewServer()
	pb.RegisterHealthServer(s, health.NewServer())
	go func() { log.Fatal(s.Serve(l)) }()
	conn := dial(l.Addr().String())
	hl := listen()
	hung := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, req any,
		_ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		select {}
	}))
	pb.RegisterHealthServer(hung, health.NewServer())
	go func(l net.Listener) { log.Fatal(hung.Serve(l)) }(hl)
	hconn := dial(hl.Addr().String())
	return []leak{
		{"grpc-conn", func(ctx context.Context) { _ = callPerRequest(ctx, l.Addr().String()) }},
		{"grpc-stream", func(ctx context.Context) { _ = readOne(conn) }},
		{"grpc-recv", func(ctx context.Context) { _ = readAll(conn) }},
		{"grpc-unary", func(ctx context.Context) { _ = callHung(hconn) }},
	}
}
