/** The other side of the wire in tests: a real gRPC server on a unix socket whose answers the test writes. */
import {
  Metadata,
  Server,
  ServerCredentials,
  type status,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import { AdminService, type AdminServer } from "@muster/proto/admin";
import { ErrorDetail } from "@muster/proto/types";

/** Methods that are left out answer UNIMPLEMENTED. */
export type Script = { readonly [Name in keyof typeof AdminService]?: AdminServer[Name] };

export class ScriptedCoordinator implements AsyncDisposable {
  readonly address: string;
  readonly #server: Server;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  /** `address`: a unix socket's path. */
  static async listen(
    address: string,
    script: Script,
    credentials: ServerCredentials = ServerCredentials.createInsecure(),
  ): Promise<ScriptedCoordinator> {
    const server = new Server();
    server.addService(AdminService, { ...script });
    const target = address.startsWith("/") ? `unix:${address}` : address;
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(target, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    const shown = address.startsWith("/")
      ? `unix://${address}`
      : `https://localhost:${String(port)}`;
    return new ScriptedCoordinator(server, shown);
  }

  /** As a killed process: every connection drops, nothing is said. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    return Promise.resolve();
  }
}

/** A unary method that always gives this answer. */
export const answering =
  <Request, Response>(answer: (request: Request) => Response) =>
  (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    done(null, answer(call.request));
  };

export const refusing =
  <Request, Response>(error: ServiceError | Partial<ServiceError>) =>
  (_call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    done(error);
  };

/** As the coordinator sends it: a status, and the detail in trailing metadata. */
export function detailed(code: status, detail: Partial<ErrorDetail>): Partial<ServiceError> {
  const metadata = new Metadata();
  const full: ErrorDetail = {
    code: "internal",
    message: "",
    cause: "",
    hint: "",
    reasons: [],
    ...detail,
  };
  metadata.add("muster-error-bin", Buffer.from(ErrorDetail.encode(full).finish()));
  return { code, details: full.message, metadata };
}

/** A server stream that sends these and then does what `then` says. */
export const streaming =
  <Request, Response>(
    messages: readonly Response[],
    then: (call: ServerWritableStream<Request, Response>) => void = (call) => {
      call.end();
    },
  ) =>
  (call: ServerWritableStream<Request, Response>): void => {
    for (const message of messages) call.write(message);
    then(call);
  };
