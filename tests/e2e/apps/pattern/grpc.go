package pattern

import (
	"context"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"shop.example/apps/service"
)

// GRPCConn: a ClientConn for each request, never closed.
//
// What grows, for each: the connection's CallbackSerializers, its reader and
// loopyWriter. No frame of them is the user's; who called NewClient is known from
// the heap alone.
var GRPCConn = service.Pattern{
	Name:    "grpc-conn",
	Leaking: calling(parcelLeaking),
	Fixed:   calling(parcelFixed),
	Backend: serveParcels,
}

func parcelLeaking(ctx context.Context, _ *grpc.ClientConn, address string, unlucky bool) error {
	conn, err := grpc.NewClient(address, plain) // leak: grpc
	if err != nil {
		return err
	}
	if err := conn.Invoke(ctx, methodParcel, &emptypb.Empty{}, &wrapperspb.StringValue{}); err != nil {
		return err
	}
	if unlucky {
		return nil // without Close
	}
	return conn.Close()
}

func parcelFixed(ctx context.Context, shared *grpc.ClientConn, _ string, _ bool) error {
	return shared.Invoke(ctx, methodParcel, &emptypb.Empty{}, &wrapperspb.StringValue{})
}

// GRPCStream: a stream of which only the first message is read, and whose
// context nobody cancels.
//
// What grows: grpc's goroutine that waits for the end of each stream's context
// (newClientStreamWithParams). No frame of it is the user's. The server has long
// ended the stream.
var GRPCStream = service.Pattern{
	Name:    "grpc-stream",
	Leaking: calling(trackLeaking),
	Fixed:   calling(trackFixed),
	Backend: serveParcels,
}

func trackLeaking(_ context.Context, shared *grpc.ClientConn, _ string, unlucky bool) error {
	ctx := context.Background()                                          // "the parcel outlives the request"
	stream, err := shared.NewStream(ctx, &descriptionTrack, methodTrack) // leak: grpc
	if err != nil {
		return err
	}
	for {
		err := receive(stream)
		if err != nil || unlucky {
			return nil // the first is enough; the rest is never read
		}
	}
}

func trackFixed(ctx context.Context, shared *grpc.ClientConn, _ string, unlucky bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := shared.NewStream(ctx, &descriptionTrack, methodTrack)
	if err != nil {
		return err
	}
	for {
		err := receive(stream)
		if err != nil || unlucky {
			return nil
		}
	}
}

func receive(stream grpc.ClientStream) error {
	return stream.RecvMsg(&wrapperspb.StringValue{})
}

// ---- the parcel service, as protoc-gen-go-grpc would describe it ----

const (
	methodParcel = "/shop.Parcels/Parcel"
	methodTrack  = "/shop.Parcels/Track"
)

var (
	plain            = grpc.WithTransportCredentials(insecure.NewCredentials())
	descriptionTrack = grpc.StreamDesc{StreamName: "Track", Handler: serveTrack, ServerStreams: true}
	descriptionAll   = grpc.ServiceDesc{
		ServiceName: "shop.Parcels",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Parcel", Handler: serveParcel}},
		Streams:     []grpc.StreamDesc{descriptionTrack},
	}
)

func serveParcel(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	return wrapperspb.String("on its way"), decode(&emptypb.Empty{})
}

func serveTrack(_ any, stream grpc.ServerStream) error {
	for _, place := range []string{"packed", "sent", "delivered"} {
		if err := stream.SendMsg(wrapperspb.String(place)); err != nil {
			return err
		}
	}
	return nil
}

func serveParcels(l net.Listener) {
	server := grpc.NewServer()
	server.RegisterService(&descriptionAll, nil)
	server.Serve(l)
}

func calling(call func(ctx context.Context, shared *grpc.ClientConn, address string, unlucky bool) error) service.Start {
	return func(_ context.Context, needs service.Needs) (http.Handler, error) {
		shared, err := grpc.NewClient(needs.Backend, plain)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := call(r.Context(), shared, needs.Backend, service.Unlucky(r)); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
			}
		}), err
	}
}
